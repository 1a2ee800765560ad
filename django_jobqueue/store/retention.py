"""Removing final records whose time is over, one bounded batch per call."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from django_jobqueue.core.limits import LimitKind
from django_jobqueue.core.specs import Pruned, Retention
from django_jobqueue.core.states import JobState, WorkerState
from django_jobqueue.models import (
    AuditRecord,
    BatchRecord,
    Job,
    LimitRecord,
    LineRecord,
    ReceiptRecord,
    WaiterRecord,
    WorkerRecord,
)

from .final_records import FinalRecordsStore
from .moving import erase
from .receipts import RECEIPT_RETENTION
from .steerable import Note, RecordMarks

WORKER_RETENTION = timedelta(days=1)


class RetentionStore(FinalRecordsStore):
    """History is removed oldest first, attempts together with their record."""

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
        clock = now or self.database_now()
        marks = {} if marks is None else marks
        expired = self.expired(retention, clock, marks=marks)
        if dry_run:
            pruned = self.counted_records(expired, batch=batch)
        else:
            pruned = self.without_records(expired, batch=batch, note=note, marks=marks)
        if retention.queue is not None:
            return pruned
        self._prune_lines(clock, dry_run)
        self._prune_waiters(clock, dry_run)
        self._prune_batches(clock - retention.archive, batch, dry_run)
        return pruned + Pruned(
            workers=self._prune_workers(clock, batch, dry_run),
            receipts=self._prune_receipts(clock, batch, dry_run),
            audits=self._prune_audits(clock - retention.audit, batch, dry_run),
            limits=self._prune_limits(clock, batch, dry_run),
        )

    def _prune_receipts(self, clock: datetime, batch: int, dry_run: bool) -> int:
        receipts = ReceiptRecord.objects.using(self.using)
        past = receipts.filter(created_at__lt=self.storable_time(clock - RECEIPT_RETENTION))
        ids = list(past.order_by("created_at").values_list("pk", flat=True)[:batch])
        if dry_run or not ids:
            return len(ids)
        with self.writing():
            return erase(receipts.filter(pk__in=ids))

    def _prune_audits(self, before: datetime, batch: int, dry_run: bool) -> int:
        audits = AuditRecord.objects.using(self.using)
        past = audits.filter(at__lt=self.storable_time(before))
        ids = list(past.order_by("at").values_list("pk", flat=True)[:batch])
        if dry_run or not ids:
            return len(ids)
        with self.writing():
            return erase(audits.filter(pk__in=ids))

    def _prune_workers(self, clock: datetime, batch: int, dry_run: bool) -> int:
        running = Job.objects.using(self.using).filter(
            state=JobState.RUNNING.value, worker_id=OuterRef("pk")
        )
        gone = (
            WorkerRecord.objects.using(self.using)
            .exclude(state=WorkerState.ALIVE.value)
            .filter(~Exists(running), ended_at__lt=self.storable_time(clock - WORKER_RETENTION))
        )
        # Few, and final: neither state is ever left.
        ids = list(gone.order_by("ended_at").values_list("pk", flat=True)[:batch])
        if dry_run or not ids:
            return len(ids)
        with self.writing():
            return erase(gone.filter(pk__in=ids))

    def _prune_batches(self, before: datetime, batch: int, dry_run: bool) -> None:
        batches = BatchRecord.objects.using(self.using)
        past = batches.filter(finished_at__lt=self.storable_time(before)).order_by("finished_at")
        ids = [] if dry_run else list(past.values_list("pk", flat=True)[:batch])
        if ids:
            with self.writing():
                erase(past.filter(pk__in=ids))

    def _prune_limits(self, clock: datetime, batch: int, dry_run: bool) -> int:
        """Remove the rows of concurrency keys that no job has, unless an operator has set them or
        their rate has still to be kept to.
        """
        jobs = Job.objects.using(self.using).filter(concurrency_key=OuterRef("name"))
        limits = LimitRecord.objects.using(self.using)
        unused = limits.filter(
            ~Exists(jobs),
            Q(next_at__isnull=True) | Q(next_at__lte=self.storable_time(clock)),
            kind=LimitKind.KEY.value,
            set_at__isnull=True,
        )
        if dry_run:
            return unused[:batch].count()
        if not unused.exists():
            return 0
        with self.writing():
            # Who holds one is about to use it; none is waited for, so that nobody waits for us.
            locked = unused.select_for_update(skip_locked=True).values_list("pk", flat=True)
            return erase(limits.filter(pk__in=list(locked[:batch])))

    def _prune_lines(self, clock: datetime, dry_run: bool) -> None:
        """Remove what holders left that died, of lines that nobody has asked for since."""
        lapsed = LineRecord.objects.using(self.using).filter(
            lease_expires_at__lt=self.storable_time(clock - WORKER_RETENTION)
        )
        if not dry_run and lapsed.exists():
            with self.writing():
                erase(lapsed)

    def _prune_waiters(self, clock: datetime, dry_run: bool) -> None:
        """Remove what processes left that died while they waited."""
        lapsed = WaiterRecord.objects.using(self.using).filter(
            lease_expires_at__lt=self.storable_time(clock)
        )
        if not dry_run and lapsed.exists():
            with self.writing():
                erase(lapsed)
