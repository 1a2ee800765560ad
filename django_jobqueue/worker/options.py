"""What one start of a worker is asked to do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django_jobqueue.core.figures import Figures, figures
from django_jobqueue.events import EventBus, events
from django_jobqueue.jobs.registry import Registry, registry

#: What the tasks of a service may take beyond the drain: interrupting, writing, saying good-bye.
AFTER_DRAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recycling:
    """When a child process is replaced, between jobs; each limit is spread by a tenth, so that a
    fleet is not replaced all at once. None is no limit.
    """

    jobs: int | None = None
    memory_bytes: int | None = None
    age: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """What one start of a worker is asked to do; the settings say the rest."""

    #: Child processes under a supervisor; 0 runs everything in this process.
    processes: int = 0
    queues: Sequence[str] = ()
    strict: bool = False
    until_empty: bool = False
    #: Run only suspects: jobs whose worker died while they ran.
    suspects: bool = False
    #: Start a child process that runs suspects, whenever there are some.
    quarantine: bool = True
    janitor: bool = True
    scheduler: bool = True
    handles_signals: bool = False
    #: Replace children when a source file changes.
    reload: bool = False
    #: Answer at the address of the settings, if they have one.
    probes: bool = False
    recycling: Recycling = field(default_factory=Recycling)
    registry: Registry = field(default_factory=lambda: registry)
    events: EventBus = field(default_factory=lambda: events)
    #: Where what children have counted is added.
    figures: Figures = field(default_factory=lambda: figures)

    def serves(self, queue: str) -> bool:
        """Whether this worker claims from the queue."""
        return not self.queues or queue in self.queues
