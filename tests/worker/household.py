"""A supervisor, one tick at a time; its children live and die as the test says."""

from collections.abc import Callable
from typing import Any

from django_jobqueue.events import EventBus
from django_jobqueue.store import store_for
from django_jobqueue.worker.marks import StartedMarks
from django_jobqueue.worker.membership import Membership
from django_jobqueue.worker.messages import Message, Retire
from django_jobqueue.worker.quarantine import Quarantine
from django_jobqueue.worker.supervisor import Supervisor
from tests.store.helpers import claim, quarantine_of, register_worker

from .bench import LEASE, Time
from .site import Told


class HandChild:
    """A child without a process."""

    pid = 4711

    def __init__(self, name: str, time: Time) -> None:
        self.name, self._time, self._began = name, time, time()
        self.membership, self.marks = Membership(lease=LEASE), StartedMarks.create(slots=4)
        self.status: int | None = None
        self.retires_because: str | None = None
        self.is_loaded = self.is_polling = True
        self.heard = 0
        self.killed_because: str | None = None
        self.told: list[Message] = []
        register_worker(worker_id=self.membership.worker_id)

    def ends(self, status: int) -> None:
        self.status = status

    def claims(self, *, starts: int) -> list[int]:
        """Claim what is ready, and start the first of it."""
        ids = [job.id for job in claim(store_for("default"), self.membership.worker_id)]
        for job_id in ids[:starts]:
            self.marks.begin(job_id)
        return ids

    def must_end_by(self, moment: float) -> None:
        """The first job that it began is overdue from then on."""
        self.marks.limit(0, until=moment)

    @property
    def has_ended(self) -> bool:
        return self.status is not None

    @property
    def ended_well(self) -> bool:
        return self.status == 0

    @property
    def is_retiring(self) -> bool:
        return self.retires_because is not None

    @property
    def cause(self) -> str:
        return f"ended with {self.status}"

    @property
    def age_seconds(self) -> float:
        return self._time() - self._began

    def tell(self, message: Message) -> None:
        self.told.append(message)
        if isinstance(message, Retire):
            self.retires_because = message.why

    def answers(self) -> None:
        self.heard += 1

    def kill(self, *, because: str | None = None) -> None:
        self.killed_because = because
        if self.status is None:
            self.status = -9

    def wait(self, timeout: float | None = None) -> bool:
        self._time.passes(0.0 if timeout is None or self.has_ended else timeout)
        return self.has_ended

    def close(self) -> None:
        self.marks.close()


class Household:
    """A supervisor, its children so far, and what was told."""

    def __init__(self, *places: str, **options: Any) -> None:
        self.time, self.told, bus = Time(), Told(), EventBus()
        bus.subscribe(self.told)
        self.started: list[HandChild] = []
        self.woken: list[bool] = []
        store, until_empty = quarantine_of(store_for("default")), "on_empty" in options
        self.supervisor = Supervisor(
            places=places,
            start=self._start,
            quarantine=Quarantine(
                most=options.pop("most", 2),
                store=store,
                serves=options.pop("serves", lambda queue: True),
                elapsed=self.time,
            ),
            store=store,
            until_empty=until_empty,
            wake=lambda: self.woken.append(True),
            events=bus,
            stop_seconds=options.pop("stop_seconds", 1.0),
            elapsed=self.time,
            **options,
        )

    def _start(self, name: str, changed: Callable[[], None]) -> Any:
        self.started.append(HandChild(name, self.time))
        return self.started[-1]

    @property
    def names(self) -> list[str]:
        """Of all that were started, in order."""
        return [child.name for child in self.started]

    def tick(self, *, after: float = 0.0) -> float | None:
        self.time.passes(after)
        return self.supervisor.tick()
