"""Stored calls as they wait for their handlers, one stretch of rows after another."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from django_jobqueue.core.queued import QueuedCall, QueuedKind, QueuedStretch
from django_jobqueue.core.states import JobState
from django_jobqueue.models import BatchRecord, Job

from .connected import ConnectedStore

#: What waits for the end of a batch, and the column that says whether it was enqueued.
_ENDS = {
    "on_success": "success_enqueued",
    "on_failure": "failure_enqueued",
    "on_finish": "finish_enqueued",
}


class QueuedStore(ConnectedStore):
    """A stretch is so many rows, whatever their queues: no read walks further to find its fill."""

    def last_job_id(self) -> int:
        newest = Job.objects.using(self.using).order_by("-id")
        return newest.values_list("id", flat=True).first() or 0

    def queued_jobs(
        self, *, after: int, last: int, limit: int, queues: Collection[str] = ()
    ) -> QueuedStretch:
        rows = Job.objects.using(self.using).filter(id__gt=after, id__lte=last)
        up_to = _end_of(rows, limit)
        if up_to is not None:
            rows = rows.filter(id__lte=up_to)
        if queues:
            rows = rows.filter(queue__in=list(queues))
        payload = Cast("payload", output_field=TextField())
        calls = rows.annotate(payload_text=payload).order_by("id")
        return QueuedStretch(calls=tuple(map(_call_of, calls.values(*_COLUMNS))), up_to=up_to)

    def queued_by_batches(self, *, after: int, limit: int) -> QueuedStretch:
        rows = BatchRecord.objects.using(self.using).filter(id__gt=after, finished_at=None)
        up_to = _end_of(rows, limit)
        found = rows.order_by("id").values("id", *_ENDS, *_ENDS.values())[:limit]
        return QueuedStretch(calls=tuple(_calls_of(found)), up_to=up_to)


_COLUMNS = ("id", "state", "blocked_by", "handler", "queue", "payload_text", "result_as")


def _end_of(rows: QuerySet[Any], limit: int) -> int | None:
    """The id of the last row of a full stretch."""
    ids = rows.order_by("id").values_list("id", flat=True)
    return next(iter(ids[limit - 1 : limit]), None)


def _call_of(row: Mapping[str, Any]) -> QueuedCall:
    waits = row["state"] == JobState.BLOCKED.value and row["blocked_by"] is None
    return QueuedCall(
        kind=QueuedKind.JOB,
        named=row["id"],
        handler=row["handler"],
        queue=row["queue"],
        payload=row["payload_text"],
        # Of a job that went on, the payload has the result.
        later=row["result_as"] if waits else None,
    )


def _calls_of(batches: QuerySet[Any, dict[str, Any]]) -> Iterator[QueuedCall]:
    for row in batches:
        for end, was_enqueued in _ENDS.items():
            if row[end] is not None and not row[was_enqueued]:
                yield QueuedCall(
                    kind=QueuedKind.BATCH,
                    named=row["id"],
                    later=row[end]["result_as"],
                    **{name: row[end][name] for name in ("handler", "queue", "payload")},
                )
