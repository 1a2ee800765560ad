"""What the store must be told of child processes that have ended."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from django_jobqueue.events import EventBus
from django_jobqueue.store import JobStore


class Obituary(NamedTuple):
    """One child that has ended; `started` are the ids of the jobs whose handlers were running."""

    worker_id: UUID
    ended_well: bool
    started: Sequence[int]
    cause: str


@dataclass
class Released:
    """What came of telling: queues that have jobs again, and whether suspects are among them."""

    queues: set[str] = field(default_factory=set)
    suspects: bool = False


class Obituaries:
    """Kept until the store knows of them."""

    def __init__(self, events: EventBus) -> None:
        self._events = events
        self._kept: deque[Obituary] = deque()

    def add(self, obituary: Obituary) -> None:
        self._kept.append(obituary)

    def tell(self, store: JobStore) -> Released:
        """Have what the dead held released. What the store refuses is kept, and raised when the
        others have been told.
        """
        released, refused = Released(), None
        for _ in range(len(self._kept)):
            told = self._kept.popleft()
            try:
                released.queues.update(self._tell_of(told, store))
            except Exception as error:
                # A lock on the jobs of one holds up no other.
                self._kept.append(told)
                refused = error
            else:
                released.suspects |= bool(told.started)
        if refused is not None and not released.queues:
            raise refused
        return released

    def _tell_of(self, told: Obituary, store: JobStore) -> Sequence[str]:
        if told.ended_well:
            store.deregister_worker(told.worker_id)
            return ()
        released = store.release_of_worker(told.worker_id, started=told.started, cause=told.cause)
        if released.job_ids:
            self._events.emit("worker.released", cause=told.cause, job_ids=released.job_ids)
        return released.queues
