"""The flusher: what this host's spool holds goes into the database."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import msgspec

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.errors import InvalidSettings, UnknownReceipt
from django_jobqueue.core.specs import FinishedJob
from django_jobqueue.events import EventBus
from django_jobqueue.events import events as events_of_process
from django_jobqueue.jobs.flushing import BATCH, FlushedJobs, JobFlush
from django_jobqueue.jobs.spooling import spool_of
from django_jobqueue.service import StopReceiver, TickingTask
from django_jobqueue.store import JobStore, store_for
from django_jobqueue.store.spool import Entry, Kind, Spool

from .hands import HeldJob, InHand
from .outbox import Outbox

Flushed = TypeVar("Flushed", FlushedJobs, "FlushedOutcomes")


class FlushedOutcomes(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the outcomes of one flush: the database has them; of these the claim of so
    many was over, which changed nothing; and so many were set aside.
    """

    written: int = 0
    stale: int = 0
    refused: int = 0

    @property
    def entries(self) -> int:
        return self.written + self.refused


class OutcomeFlush:
    """Writes what workers of this host kept in the spool at their end, under the fence."""

    def __init__(self, spool: Spool, *, store: JobStore, events: EventBus) -> None:
        self._spool, self._store, self._events = spool, store, events

    def run(self, *, limit: int = BATCH) -> FlushedOutcomes:
        """Write up to `limit` outcomes, all or none of them; the database's error is raised."""
        entries = self._spool.waiting(Kind.OUTCOME, limit=limit)
        readable = [(entry, done) for entry in entries if (done := self._outcome_of(entry))]
        outbox = Outbox(
            store=self._store, in_hand=InHand(), events=self._events, settled=_nobody_waits
        )
        outbox.settle(done for _, done in readable)
        self._spool.remove(entry.receipt for entry, _ in readable)
        flushed = FlushedOutcomes(
            written=len(readable), stale=outbox.stale, refused=len(entries) - len(readable)
        )
        if entries:
            facts = msgspec.structs.asdict(flushed)
            self._events.emit("spool.flushed", kind=Kind.OUTCOME, **facts)
        return flushed

    def _outcome_of(self, entry: Entry) -> FinishedJob | None:
        """Return what the entry holds; None, and it is set aside, where nobody can tell."""
        try:
            return msgspec.json.decode(entry.content, type=FinishedJob)
        except (msgspec.DecodeError, ValueError) as error:
            why = f"{type(error).__name__}: {error}"
            self._spool.refuse(entry.receipt, why=why)
            facts = {"kind": entry.kind, "why": why}
            self._events.emit("spool.entry_refused", receipt=entry.receipt, **facts)
            return None


class SetAside(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that a person must look at, without its content, which may be secret."""

    receipt: UUID
    kind: Kind
    spooled_at: datetime
    why: str


class SpoolReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a flush of a whole spool did, and what it had to leave."""

    jobs: FlushedJobs
    outcomes: FlushedOutcomes
    set_aside: list[SetAside]


def flush_spool(
    settings: JobQueueSettings, *, retry: bool = False, discard: Sequence[UUID] = ()
) -> SpoolReport:
    """Flush all that waits in the spool of these settings; with `retry`, what was set aside, too,
    but for what is to be discarded.

    InvalidSettings where they name no spool, UnknownReceipt where nothing was set aside under one
    that is to be discarded, SpoolUnusable, and the database's error.
    """
    spool = spool_of(settings)
    if spool is None:
        raise InvalidSettings("JOBQUEUE['SPOOL'] names no directory: nothing was ever spooled")
    _discard(spool, discard)
    if retry:
        spool.retry()
    store = store_for(settings.database)
    outcomes = OutcomeFlush(spool, store=store, events=events_of_process)
    jobs = JobFlush(spool, store=store, settings=settings, however_old=retry)
    return SpoolReport(
        outcomes=_until_empty(outcomes.run),
        jobs=_until_empty(jobs.run),
        set_aside=[
            SetAside(
                receipt=entry.receipt,
                kind=entry.kind,
                spooled_at=entry.spooled_at,
                why=entry.refused or "",
            )
            for entry in spool.set_aside()
        ],
    )


def _discard(spool: Spool, receipts: Sequence[UUID]) -> None:
    unknown = set(receipts) - {entry.receipt for entry in spool.set_aside()}
    if unknown:
        raise UnknownReceipt(min(unknown))
    spool.remove(receipts)


def _until_empty(run: Callable[[], Flushed]) -> Flushed:
    """Add up what each batch came to, until one is not full."""
    total = one = run()
    while one.entries >= BATCH:
        one = run()
        counts = {name: getattr(total, name) + getattr(one, name) for name in one.__struct_fields__}
        total = type(one)(**counts)
    return total


def _nobody_waits(settled: Iterable[HeldJob]) -> None:
    """The worker that held these jobs has ended."""


class Flusher(TickingTask):
    """Looks into the spool every few seconds, which costs the database nothing while it is empty;
    goes on at once while batches come back full.
    """

    id = "flusher"
    LOOK_SECONDS = 5.0
    LONGEST_BACKOFF = 5.0

    def __init__(
        self,
        spool: Spool,
        *,
        store: JobStore,
        settings: JobQueueSettings,
        wake: Callable[[], None],
        events: EventBus,
        batch: int = BATCH,
        after_tick: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(
            interval=self.LOOK_SECONDS, max_backoff=self.LONGEST_BACKOFF, after_tick=after_tick
        )
        self._wake_pump, self._batch = wake, batch
        self._outcomes = OutcomeFlush(spool, store=store, events=events)
        self._jobs = JobFlush(spool, store=store, settings=settings, events=events)

    def flush_all(self, stop: StopReceiver) -> None:
        """Flush until nothing waits, before the worker claims; what fails is left to the ticks."""
        while self.round() == 0.0 and not stop.is_set():
            pass

    def tick(self) -> float | None:
        outcomes = self._outcomes.run(limit=self._batch)
        jobs = self._jobs.run(limit=self._batch)
        if outcomes.written or jobs.stored:
            self._wake_pump()
        return 0.0 if self._batch in (outcomes.entries, jobs.entries) else None
