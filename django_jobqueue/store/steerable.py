"""What people and their code ask of jobs, queues and workers: half of the contract of a store."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django_jobqueue.core.audit import NewAudit
from django_jobqueue.core.health import Matching
from django_jobqueue.core.limits import Limit, LimitName
from django_jobqueue.core.specs import (
    Cancelled,
    Edited,
    JobFilter,
    Pruned,
    Purged,
    Retention,
)

TellCancelled = Callable[[int, str, str], object]
#: Told the ids of each batch of jobs that a verb has changed, in the transaction of that batch.
Note = Callable[[Sequence[int]], object]
#: How far the records of a table and a queue have been removed, as one caller of `prune` keeps it.
RecordMarks = dict[tuple[str, str], datetime]


class Steerable(ABC):
    """Each verb is one guarded write: what has moved on in the meantime is left alone."""

    @abstractmethod
    def audit(self, new: NewAudit) -> int:
        """Write down what an operator did, in the transaction that is open; return the id of the
        record.
        """

    @abstractmethod
    def audit_more(self, audit_id: int, *, count: int, job_ids: Sequence[int]) -> None:
        """Bring the record of an action that goes on up to date: all jobs that it was done to."""

    @abstractmethod
    def cancel(
        self,
        wanted: JobFilter,
        *,
        reason: str = "",
        tell: TellCancelled | None = None,
        note: Note | None = None,
    ) -> Cancelled:
        """Cancel waiting jobs, and ask running ones to stop; final records are left as they are.

        What waits for a cancelled job is cancelled with it, unless it holds. `tell` is called with
        id, handler and queue of each job that waited.
        """

    @abstractmethod
    def count_matching(self, wanted: JobFilter) -> Matching:
        """Return how many jobs are meant; each count stops at `core.health.COUNT_LIMIT`."""

    @abstractmethod
    def run_now(self, wanted: JobFilter, *, note: Note | None = None) -> int:
        """Make scheduled jobs ready at once; return how many."""

    @abstractmethod
    def requeue(
        self,
        wanted: JobFilter,
        *,
        limit: int | None = None,
        spacing: float = 0.0,
        edited: Edited | None = None,
        note: Note | None = None,
    ) -> tuple[list[int], list[int]]:
        """Bring dead letters back, and enqueue copies of archived jobs; attempts start again.

        With `spacing`, each is due so many seconds after the one before. `edited` is for a filter
        that names a single job.

        Returns the ids of the live jobs, and the ids that were refused because another live job
        holds their unique key.
        """

    @abstractmethod
    def discard_dead(self, wanted: JobFilter, *, note: Note | None = None) -> int:
        """Delete dead letters and their attempts; return how many."""

    @abstractmethod
    def purge(
        self,
        wanted: JobFilter,
        *,
        older_than: timedelta | None = None,
        limit: int | None = None,
        reason: str = "",
        dry_run: bool = False,
        tell: TellCancelled | None = None,
        note: Note | None = None,
    ) -> Purged:
        """Remove final records, then cancel waiting jobs, at most `limit` of both; what runs stays.

        Older are final records that ended, and waiting jobs that were created, before that. Counts
        of a `dry_run` stop at `core.health.COUNT_LIMIT` each. `tell` is that of `cancel`.
        """

    @abstractmethod
    def prune(
        self,
        retention: Retention,
        *,
        batch: int = 1000,
        dry_run: bool = False,
        now: datetime | None = None,
        note: Note | None = None,
        marks: RecordMarks | None = None,
    ) -> Pruned:
        """Remove one batch of what is older than its retention allows, the queue with the oldest
        record first; count only with `dry_run`. `note` is told the ids of jobs.

        `marks`, empty at first, has a call go on where the one before ended, in the queues that the
        first found, and with what was not locked then.
        """

    @abstractmethod
    def pause_queue(
        self, name: str, *, reason: str = "", until: datetime | None = None
    ) -> Mapping[str, Any]:
        """Stop claims from the queue, for good or until a time; return what held of a pause before:
        `paused_at`, `paused_until`, `pause_reason`.
        """

    @abstractmethod
    def resume_queue(self, name: str) -> Mapping[str, Any] | None:
        """Allow claims again; return what held of the pause, None if the queue was not paused."""

    @abstractmethod
    def configure_queue(self, name: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Write columns of the queue's row, which is made if there is none; None is the default.

        Returns what these columns held before.
        """

    @abstractmethod
    def set_limit(self, name: LimitName, limit: Limit) -> Limit | None:
        """Let a limit hold for a handler or a key, whatever the code declares; return what was set
        before, None if nothing was.
        """

    @abstractmethod
    def clear_limit(self, name: LimitName) -> Limit | None:
        """Let what the code declares hold again; return what was set, None if nothing was."""

    @abstractmethod
    def request_worker_stop(self, worker_id: UUID) -> bool:
        """Ask a living worker to stop gracefully; False if it is not alive."""
