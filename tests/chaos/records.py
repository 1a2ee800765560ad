"""What the database holds when a storm is over."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import Max, QuerySet

from django_jobqueue.models import ArchivedJob, BatchRecord, DeadJob, Job

from .checker import BatchEnd, Record
from .jobs import ENDINGS, batch_over, insert, limited, tick

TABLES = (Job, ArchivedJob, DeadJob)
#: The handlers of jobs that no producer has enqueued.
NOBODYS = (tick.handler.name, batch_over.handler.name)
COLUMNS = ("pk", "handler", "payload", "state", "claim_token", "result", "attempt")


def live_jobs() -> QuerySet[Job]:
    """Return those that must end; the schedule goes on for ever."""
    return Job.objects.exclude(handler=tick.handler.name)


def records() -> Iterator[Record]:
    """Yield what became of each job that a producer has enqueued."""
    effects = Counter(map(int, Session.objects.values_list("session_data", flat=True)))
    for table in TABLES:
        reason = ["reason"] if table is DeadJob else []
        rows = table._default_manager.exclude(handler__in=NOBODYS)
        for row in rows.values(*COLUMNS, *reason):
            yield _record(row, effects[row["pk"]])


def slots() -> Iterator[datetime]:
    """Yield the slot of each job of the schedule."""
    for table in TABLES:
        yield from table._default_manager.filter(handler=tick.handler.name).values_list(
            "slot", flat=True
        )


def batch_ends() -> Iterator[BatchEnd]:
    """Yield what came at the end of each batch."""
    begins: dict[int, list[datetime | None]] = {}
    for table in TABLES:
        rows = table._default_manager.filter(handler=batch_over.handler.name)
        for payload, claimed_at in rows.values_list("payload", "claimed_at"):
            begins.setdefault(payload["kwargs"]["batch_id"], []).append(claimed_at)
    for batch in BatchRecord.objects.all():
        members = ArchivedJob.objects.filter(batch_id=batch.pk)
        last = members.aggregate(last=Max("finished_at"))["last"]
        yield BatchEnd(began=begins.get(batch.pk, []), last_member=last)


def _record(row: Mapping[str, Any], effects: int) -> Record:
    arguments = row["payload"]["kwargs"]
    return Record(
        id=row["pk"],
        number=arguments["number"],
        state=row["state"],
        token=str(row["claim_token"] or ""),
        answered=row["result"] or "",
        attempt=row["attempt"],
        reason=row.get("reason", ""),
        doomed=ENDINGS.get(arguments.get("how", ""), ""),
        effects=effects if row["handler"] == insert.handler.name else None,
        is_limited=row["handler"] == limited.handler.name,
    )
