"""Removing final records whose time is over, one bounded batch per call."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from django_jobqueue.core.limits import LimitKind
from django_jobqueue.core.specs import Pruned, Retention
from django_jobqueue.core.states import JobState, WorkerState
from django_jobqueue.models import (
    ArchivedJob,
    AttemptRecord,
    AuditRecord,
    BatchRecord,
    DeadJob,
    Job,
    LimitRecord,
    LineRecord,
    QueueRecord,
    ReceiptRecord,
    WaiterRecord,
    WorkerRecord,
)
from django_jobqueue.models.base import FinalRecord

from .connected import ConnectedStore
from .filters import BATCH
from .moving import erase
from .receipts import RECEIPT_RETENTION
from .steerable import Note

#: Takes so many of the rows; answers how many records there were, and how many attempts.
Take = Callable[[QuerySet[Any], int], tuple[int, int]]

WORKER_RETENTION = timedelta(days=1)
#: For ever, in effect: older than any record, and still a time.
LONGEST = timedelta(days=36_500)


class RetentionStore(ConnectedStore):
    """History is removed oldest first, attempts together with their record."""

    def prune(
        self,
        retention: Retention,
        *,
        batch: int = 1000,
        dry_run: bool = False,
        now: datetime | None = None,
        note: Note | None = None,
    ) -> Pruned:
        clock = now or self.database_now()
        take: Take = self._count if dry_run else partial(self._remove, note=note)
        # A dry run removes nothing, so a second look would count the same rows again.
        taken = partial(_taken, take, batch=batch, at_once=batch if dry_run else BATCH)
        archived, attempts = taken(self._expired(ArchivedJob, retention, clock))
        dead, others = taken(self._expired(DeadJob, retention, clock))
        pruned = Pruned(archived=archived, dead=dead, attempts=attempts + others)
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

    def _expired(
        self, model: type[FinalRecord], retention: Retention, clock: datetime
    ) -> list[QuerySet[Any]]:
        """Return the rows past their time, of each queue that has some; the oldest first."""
        kind = "dead" if model is DeadJob else "archive"
        default: timedelta = getattr(retention, kind)
        own: dict[str, float] = {}
        if (for_all := getattr(retention, f"{kind}_for_all")) is not None:
            default = for_all
        else:
            setting = f"{kind}_retention_seconds"
            queues = QueueRecord.objects.using(self.using).filter(**{f"{setting}__isnull": False})
            own = dict(queues.values_list("name", setting))
        batches = BatchRecord.objects.using(self.using)
        unfinished = batches.filter(pk=OuterRef("batch_id"), finished_at__isnull=True)
        expired = []
        oldest_of = self._oldest_of_queues(model, retention.queue)
        for oldest, name in sorted((at, name) for name, at in oldest_of):
            seconds = own.get(name, default.total_seconds())
            before = clock - timedelta(seconds=min(seconds, LONGEST.total_seconds()))
            if self.aware(oldest) < before:
                rows = model._default_manager.using(self.using).order_by("finished_at", "pk")
                # An unfinished batch learns from the records of its members how it ends.
                rows = rows.filter(Q(batch_id__isnull=True) | ~Exists(unfinished))
                past = self.storable_time(before)
                expired.append(rows.filter(queue=name, finished_at__lt=past))
        return expired

    def _oldest_of_queues(
        self, model: type[FinalRecord], queue: str | None
    ) -> Iterator[tuple[str, datetime]]:
        """Walk the index from one queue to the next: one entry per queue, whatever it keeps."""
        heads = model._default_manager.using(self.using).order_by("queue", "finished_at")
        if queue is not None:
            yield from heads.filter(queue=queue).values_list("queue", "finished_at")[:1]
            return
        head = heads.values_list("queue", "finished_at").first()
        while head is not None:
            yield head
            head = heads.filter(queue__gt=head[0]).values_list("queue", "finished_at").first()

    def _count(self, rows: QuerySet[Any], size: int) -> tuple[int, int]:
        attempts = AttemptRecord.objects.using(self.using).filter(
            job_id__in=rows.values("pk")[:size]
        )
        return rows[:size].count(), attempts.count()

    def _remove(
        self, rows: QuerySet[Any], size: int, *, note: Note | None = None
    ) -> tuple[int, int]:
        with self.writing():
            # Locked first: a dead letter that is being requeued keeps its attempts.
            locked = rows.select_for_update(skip_locked=True).values_list("pk", flat=True)
            ids = list(locked[:size])
            attempts = erase(AttemptRecord.objects.using(self.using).filter(job_id__in=ids))
            records = rows.model._default_manager.using(self.using).filter(pk__in=ids)
            if ids and note is not None:
                note(ids)
            return erase(records), attempts

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
        if dry_run or not unused.exists():
            return unused[:batch].count()
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


def _taken(
    take: Take, expired: list[QuerySet[Any]], *, batch: int, at_once: int
) -> tuple[int, int]:
    """Take at most `batch` records; return how many records and how many attempts."""
    records = attempts = 0
    for rows in expired:
        full = True
        while full and records < batch:
            size = min(at_once, batch - records)
            took = take(rows, size)
            records, attempts = records + took[0], attempts + took[1]
            full = took[0] == size
    return records, attempts
