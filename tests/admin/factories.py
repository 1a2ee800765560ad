"""Rows that are legal for their state, made through the models."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import reverse

from django_jobqueue.models import (
    ArchivedJob,
    AttemptRecord,
    DeadJob,
    Job,
    LineRecord,
    QueueRecord,
    WorkerRecord,
)

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
_ids = count(5_000_000_000)  # past 2³¹, as ids may be


def make_job(state="ready", **columns):
    if state == "running":
        columns = {
            "claim_token": uuid4(),
            "worker_id": uuid4(),
            "claimed_at": NOON,
            "attempt": 1,
            **columns,
        }
    elif state == "scheduled":
        columns = {"run_at": NOON + timedelta(days=3650), "ready_at": None, **columns}
    return Job.objects.create(**{"handler": "shop.send_mail", "state": state, **columns})


def final(**columns) -> dict[str, Any]:
    return {
        "id": next(_ids),
        "handler": "shop.send_mail",
        "attempt": 1,
        "attempted_at": NOON,
        "finished_at": NOON + timedelta(seconds=90),
        **columns,
    }


def make_archived(state="succeeded", **columns):
    return ArchivedJob.objects.create(**final(state=state, **columns))


def make_dead(reason="exhausted", **columns):
    error = {"type": "ValueError", "message": "no such address"}
    return DeadJob.objects.create(**final(reason=reason, **{"error": error, **columns}))


def make_attempt(job, **columns):
    return AttemptRecord.objects.create(job_id=job.pk, **columns)


def make_queue(name="email", **columns):
    return QueueRecord.objects.create(name=name, **columns)


def make_worker(**columns):
    return WorkerRecord.objects.create(
        **{"id": uuid4(), "host": "box", "pid": 4711, "queues": ["email"], **columns}
    )


def make_line(**columns):
    return LineRecord.objects.create(
        **{"name": "partner secret", "token": uuid4(), "holder": "box:4711", **columns}
    )


def list_url(model: type[Model]) -> str:
    return reverse(f"admin:jobqueue_{model._meta.model_name}_changelist")


def page_url(row: Model, page: str = "change") -> str:
    return reverse(f"admin:jobqueue_{row._meta.model_name}_{page}", args=[quote(row.pk)])


def shown(response) -> list[object]:
    """The keys of the rows on a list page, in order."""
    return [row.pk for row in response.context["cl"].result_list]


def job_queries(queries) -> list[str]:
    """The captured statements on our tables: sessions, users and messages are not what we ask."""
    return [query["sql"] for query in queries if "jobqueue_" in query["sql"]]
