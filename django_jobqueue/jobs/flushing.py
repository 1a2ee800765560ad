"""From the spool into the database: enqueues that were kept while it was away."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from django.db import Error as DjangoError

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.clock import SystemClock
from django_jobqueue.core.errors import JobQueueError, UniqueConflict
from django_jobqueue.core.specs import NewJob
from django_jobqueue.events import EventBus
from django_jobqueue.events import events as events_of_process
from django_jobqueue.store import JobStore
from django_jobqueue.store.receipts import RECEIPT_RETENTION
from django_jobqueue.store.spool import Entry, Kind, Spool
from django_jobqueue.store.transient import is_data_error, is_transient

from .announcing import announce

#: How many entries are read, and then removed, at once.
BATCH = 100
#: An entry this young was not stored earlier and forgotten: its receipt would still be there.
TRUSTED_AGE = RECEIPT_RETENTION - timedelta(days=1)
TOO_OLD = (
    f"it was spooled more than {TRUSTED_AGE.days} days ago, and whether it was stored then is not "
    "known any more"
)


class FlushedJobs(msgspec.Struct, kw_only=True):
    """What became of the entries of one flush: their jobs were stored now, or earlier; a unique key
    that the call wanted for itself was taken; it was set aside.
    """

    stored: int = 0
    stored_earlier: int = 0
    conflicts: int = 0
    refused: int = 0

    @property
    def entries(self) -> int:
        return self.stored + self.stored_earlier + self.conflicts + self.refused


class JobFlush:
    """Flushes the enqueues of one spool, the oldest first, each in a transaction of its own.

    `however_old` stores entries, too, that may have been stored longer ago than receipts are kept.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        store: JobStore,
        settings: JobQueueSettings,
        events: EventBus = events_of_process,
        however_old: bool = False,
    ) -> None:
        self._spool, self._store, self._settings = spool, store, settings
        self._events, self._however_old = events, however_old

    def run(self, *, limit: int = BATCH) -> FlushedJobs:
        """Flush up to `limit` entries. One that can never be stored is set aside; the first error
        that is the database's is raised, and the rest stays where it is.
        """
        flushed, now, settled = FlushedJobs(), SystemClock().now(), list[UUID]()
        try:
            for entry in self._spool.waiting(Kind.JOBS, limit=limit):
                if self._settle(entry, flushed, now):
                    settled.append(entry.receipt)
        finally:
            self._spool.remove(settled)
        if flushed.entries:
            facts = msgspec.structs.asdict(flushed)
            self._events.emit("spool.flushed", kind=Kind.JOBS, **facts)
        return flushed

    def _settle(self, entry: Entry, flushed: FlushedJobs, now: datetime) -> bool:
        """Return whether nothing remains to be done for the entry; False if it was set aside."""
        if now - entry.spooled_at > TRUSTED_AGE and not self._however_old:
            self._refuse(entry, TOO_OLD, flushed)
            return False
        try:
            self._write(entry, flushed, now)
        except Exception as error:
            if not _is_fault_of_entry(error):
                raise
            self._refuse(entry, f"{type(error).__name__}: {error}", flushed)
            return False
        return True

    def _write(self, entry: Entry, flushed: FlushedJobs, now: datetime) -> None:
        jobs = jobs_of(entry, now=now)
        try:
            answers = self._store.insert_once(entry.receipt, jobs)
        except UniqueConflict as conflict:
            self._give_up(entry, jobs, conflict, flushed)
            return
        if answers is None:
            flushed.stored_earlier += 1
            return
        flushed.stored += 1
        announce(jobs, answers, store=self._store, settings=self._settings, events=self._events)

    def _give_up(
        self, entry: Entry, jobs: Sequence[NewJob], conflict: UniqueConflict, flushed: FlushedJobs
    ) -> None:
        """`on_conflict="raise"`, and nobody is there any more to whom it could be raised."""
        # A handle of a single job leads to the job that has the key, as with "skip".
        job_ids = [conflict.job_id] if len(jobs) == 1 else []
        if not self._store.settle_receipt(entry.receipt, job_ids):
            flushed.stored_earlier += 1  # by another flush, at this moment: the key is its own
            return
        flushed.conflicts += 1
        facts = {"handler": jobs[0].handler, "error": conflict}
        self._events.emit("spool.conflict", receipt=entry.receipt, **facts)

    def _refuse(self, entry: Entry, why: str, flushed: FlushedJobs) -> None:
        self._spool.refuse(entry.receipt, why=why)
        flushed.refused += 1
        self._events.emit("spool.entry_refused", receipt=entry.receipt, kind=entry.kind, why=why)


def jobs_of(entry: Entry, *, now: datetime) -> list[NewJob]:
    """Return the jobs of an entry; their delays count from the call."""
    jobs = msgspec.json.decode(entry.content, type=list[NewJob])
    waited = max(0.0, (now - entry.spooled_at).total_seconds())
    return [msgspec.structs.replace(new, delay=max(0.0, new.delay - waited)) for new in jobs]


def _is_fault_of_entry(error: Exception) -> bool:
    """Whether it would fail again whenever it is tried. What is not of the database, nor raised by
    us on purpose, is about the content.
    """
    if is_data_error(error):
        return True
    return not (isinstance(error, DjangoError | JobQueueError) or is_transient(error))
