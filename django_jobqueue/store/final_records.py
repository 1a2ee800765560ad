"""Final records that are past their time, and removing them: the oldest first, attempts with their
record.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from django_jobqueue.core.specs import Pruned, Retention
from django_jobqueue.models import ArchivedJob, AttemptRecord, BatchRecord, DeadJob, QueueRecord
from django_jobqueue.models.base import FinalRecord

from .connected import ConnectedStore
from .filters import BATCH
from .moving import erase
from .steerable import Note, RecordMarks

#: For ever, in effect: older than any record, and still a time.
LONGEST = timedelta(days=36_500)
KINDS: dict[str, type[FinalRecord]] = {"archive": ArchivedJob, "dead": DeadJob}
#: A queue, and the time of its oldest record.
Head = tuple[str, datetime]


class Expired(NamedTuple):
    """The records of one kind and queue that are past their time, the oldest first."""

    kind: str
    queue: str
    rows: QuerySet[Any]


#: Takes so many of the rows; answers how many records there were, and how many attempts.
Take = Callable[[Expired, int], tuple[int, int]]


class FinalRecordsStore(ConnectedStore):
    """Each batch begins where the one before has ended, or is told by marks: beside an old
    snapshot, all that was removed left dead index entries. SQLite has none.
    """

    def expired(
        self, retention: Retention, clock: datetime, *, marks: RecordMarks
    ) -> Iterator[Expired]:
        """Yield what is past its time of each queue, of those that have marks if any has; the
        oldest of each kind first. Each queue has a mark then.
        """
        goes_on = bool(marks) and self.supports_watermarks
        heads = {
            kind: list(
                self._oldest_since(kind, marks) if goes_on else self._oldest(kind, retention)
            )
            for kind in KINDS
        }
        for kind, found in heads.items():
            marks.update({(kind, queue): at for queue, at in found})
            own = self._own_retentions(kind, retention) if found else {}
            for at, queue in sorted((at, queue) for queue, at in found):
                before = clock - own.get(queue, min(_default(kind, retention), LONGEST))
                if self.aware(at) < before:
                    yield Expired(kind, queue, self._past_their_time(kind, queue, before))

    def _past_their_time(self, kind: str, queue: str, before: datetime) -> QuerySet[Any]:
        batches = BatchRecord.objects.using(self.using)
        unfinished = batches.filter(pk=OuterRef("batch_id"), finished_at__isnull=True)
        # An unfinished batch learns from the records of its members how it ends.
        return self._records(kind).filter(
            Q(batch_id__isnull=True) | ~Exists(unfinished),
            queue=queue,
            finished_at__lt=self.storable_time(before),
        )

    def _records(self, kind: str) -> QuerySet[Any]:
        return KINDS[kind]._default_manager.using(self.using).order_by("finished_at", "pk")

    def _own_retentions(self, kind: str, retention: Retention) -> dict[str, timedelta]:
        if getattr(retention, f"{kind}_for_all") is not None:
            return {}
        setting = f"{kind}_retention_seconds"
        queues = QueueRecord.objects.using(self.using).filter(**{f"{setting}__isnull": False})
        longest = LONGEST.total_seconds()
        return {
            name: timedelta(seconds=min(seconds, longest))
            for name, seconds in queues.values_list("name", setting)
        }

    def _oldest(self, kind: str, retention: Retention) -> Iterator[Head]:
        """Walk the index from one queue to the next: one entry per queue, whatever it keeps."""
        heads = self._records(kind).order_by("queue", "finished_at")
        if retention.queue is not None:
            heads = heads.filter(queue=retention.queue)
        head = heads.values_list("queue", "finished_at").first()
        while head is not None:
            yield head
            head = heads.filter(queue__gt=head[0]).values_list("queue", "finished_at").first()

    def _oldest_since(self, kind: str, marks: RecordMarks) -> Iterator[Head]:
        heads = self._records(kind).order_by("queue", "finished_at")
        for queue in [queue for of, queue in marks if of == kind]:
            rest = heads.filter(queue=queue, finished_at__gte=marks[kind, queue])
            yield from rest.values_list("queue", "finished_at")[:1]

    def counted_records(self, expired: Iterable[Expired], *, batch: int) -> Pruned:
        """Count what a batch would remove."""
        # A second look would count the same records again.
        return _taken(self._count, expired, batch=batch, at_once=batch)

    def without_records(
        self, expired: Iterable[Expired], *, batch: int, note: Note | None, marks: RecordMarks
    ) -> Pruned:
        """Remove a batch, and tell how many records it had."""
        remove = partial(self._remove, note=note, marks=marks)
        return _taken(remove, expired, batch=batch, at_once=BATCH)

    def _attempts_of(self, ids: Any) -> QuerySet[AttemptRecord]:
        return AttemptRecord.objects.using(self.using).filter(job_id__in=ids)

    def _count(self, expired: Expired, size: int) -> tuple[int, int]:
        rows = expired.rows[:size]
        return rows.count(), self._attempts_of(rows.values("pk")).count()

    def _remove(
        self, expired: Expired, size: int, *, note: Note | None, marks: RecordMarks
    ) -> tuple[int, int]:
        kind, queue, rows = expired
        if self.supports_watermarks:
            rows = rows.filter(finished_at__gte=marks[kind, queue])
        with self.writing():
            # Locked first: a dead letter that is being requeued keeps its attempts.
            locked = rows.select_for_update(skip_locked=True).values_list("pk", "finished_at")
            found = list(locked[:size])
            ids = [job_id for job_id, _ in found]
            attempts = erase(self._attempts_of(ids))
            if ids and note is not None:
                note(ids)
            records = erase(self._records(kind).order_by().filter(pk__in=ids))
        if found:
            marks[kind, queue] = found[-1][1]
        return records, attempts


def _default(kind: str, retention: Retention) -> timedelta:
    for_all: timedelta | None = getattr(retention, f"{kind}_for_all")
    usual: timedelta = getattr(retention, kind)
    return usual if for_all is None else for_all


def _taken(take: Take, expired: Iterable[Expired], *, batch: int, at_once: int) -> Pruned:
    """Take at most `batch` records of each kind."""
    records, attempts = dict.fromkeys(KINDS, 0), 0
    for one in expired:
        full = True
        while full and records[one.kind] < batch:
            size = min(at_once, batch - records[one.kind])
            took = take(one, size)
            records[one.kind], attempts = records[one.kind] + took[0], attempts + took[1]
            full = took[0] == size
    return Pruned(archived=records["archive"], dead=records["dead"], attempts=attempts)
