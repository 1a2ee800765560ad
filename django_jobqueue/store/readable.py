"""The part of the contract that changes nothing."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from uuid import UUID

from django_jobqueue.core.health import COUNT_LIMIT, Health, HeldSnapshot, QueueStats
from django_jobqueue.core.limits import LimitName, LimitsInForce
from django_jobqueue.core.queued import QueuedStretch
from django_jobqueue.core.snapshots import (
    AttemptSnapshot,
    JobSnapshot,
    LimitSnapshot,
    Pause,
    RunningJob,
    WorkerSnapshot,
)
from django_jobqueue.core.specs import WantedJobs


class Readable(ABC):
    """What can be asked of a store; nothing here counts without a bound, or locks."""

    @abstractmethod
    def database_now(self) -> datetime:
        """Ask the database for the time, as aware UTC."""

    @abstractmethod
    def find(self, job_id: int) -> JobSnapshot | None:
        """Look the job up wherever it now lives; a move in the meantime cannot hide it."""

    @abstractmethod
    def attempts_of(self, job_id: int) -> list[AttemptSnapshot]:
        """Return the kept runs of a job, oldest first."""

    @abstractmethod
    def queue_stats(self, name: str) -> QueueStats:
        """Return the numbers of one queue; counts stop at `core.health.COUNT_LIMIT`."""

    @abstractmethod
    def has_due_work(self, queue: str) -> bool:
        """Whether a job of the queue runs, or is due; of a paused queue, whether one runs."""

    @abstractmethod
    def health(self, queues: Sequence[str] = (), *, count_limit: int = COUNT_LIMIT) -> Health:
        """Return how these queues are doing, or all that have ready jobs; counts stop at
        `count_limit`.
        """

    def held_snapshot(self) -> HeldSnapshot | None:
        """Return the oldest snapshot that others hold, where such a thing keeps the space of
        finished jobs from being used again.
        """
        return None

    def is_read_only(self) -> bool:
        """Whether the database takes no writes now, where it can be asked."""
        return False

    def has_shared_sessions(self) -> bool:
        """Whether a pooler was seen that gives one session of the database to several connections
        in turn.
        """
        return False

    @abstractmethod
    def reading(self, *, at_most: timedelta) -> AbstractContextManager[object]:
        """Surround reads on Django's connection that raise ReadTooSlow when one of them takes
        longer, where the database can be told so.
        """

    @abstractmethod
    def written_under(self, claims: Iterable[tuple[int, UUID]]) -> set[int]:
        """Return the ids whose final record bears the token: an earlier commit whose answer was
        lost.
        """

    @abstractmethod
    def queues_with_ready_jobs(self, known: Sequence[WantedJobs] = ()) -> list[str]:
        """Return the queues that have ready jobs, sorted; reads one index entry per queue.

        A queue that is `known` may be left out where all of its jobs lie before its watermarks. For
        the quarantine, the queues that have ready suspects.
        """

    @abstractmethod
    def queue_names(self, *, limit: int = COUNT_LIMIT) -> list[str]:
        """Return the queues that have jobs of any kind, or a row of their own, sorted."""

    @abstractmethod
    def limits_in_force(self, *, keys: bool = True) -> LimitsInForce:
        """Return what the database knows of limits, besides what the code declares; with `keys`,
        whether any job has a concurrency key, too.
        """

    @abstractmethod
    def paused_queues(self, names: Collection[str]) -> set[str]:
        """Return which of these queues give nothing to a claim just now."""

    @abstractmethod
    def pause_of(self, name: str) -> Pause | None:
        """Return the pause of a queue; None where it gives its jobs."""

    @abstractmethod
    def workers(self, *, living: bool = True, limit: int = COUNT_LIMIT) -> list[WorkerSnapshot]:
        """Return the workers whose lease holds, or all that have a row, the last start first."""

    @abstractmethod
    def find_worker(self, worker_id: UUID) -> WorkerSnapshot | None:
        """Return a worker, whatever became of it; None where it has no row any more."""

    @abstractmethod
    def limits(
        self, names: Collection[LimitName] | None = None, *, limit: int = COUNT_LIMIT
    ) -> list[LimitSnapshot]:
        """Return the rows of these limits, or of all, by their names."""

    @abstractmethod
    def running_jobs(
        self,
        *,
        queue: str,
        handlers: Collection[str] = (),
        key: str | None = None,
        limit: int = COUNT_LIMIT,
    ) -> list[RunningJob]:
        """Return what runs of this queue, of these handlers, or under this key, the first first."""

    @abstractmethod
    def jobs_ahead(self, job: JobSnapshot, *, limit: int = COUNT_LIMIT) -> int:
        """Return how many jobs a claim takes before this ready one, or how many its limit readies
        before this blocked one; counts up to `limit`.
        """

    @abstractmethod
    def last_job_id(self) -> int:
        """Return the highest id of a live job; 0 if none lives."""

    @abstractmethod
    def queued_jobs(
        self, *, after: int, last: int, limit: int, queues: Collection[str] = ()
    ) -> QueuedStretch:
        """Return what the next `limit` live jobs call whose ids are above `after` and no higher
        than `last`, without those of other `queues`.
        """

    @abstractmethod
    def queued_by_batches(self, *, after: int, limit: int) -> QueuedStretch:
        """Return what waits for the end of the next `limit` batches that have not finished."""
