"""What the tables hold, in the words of the model, and what is true of them whatever happened."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Model

from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob, DeadJob, Job

from .state_machine_model import COLUMNS

Row = dict[str, Any]
TABLES: Mapping[str, type[Model]] = {"live": Job, "archive": ArchivedJob, "dead": DeadJob}


def rows_of(table: str) -> list[Row]:
    """Return every row of one of the three tables, by id."""
    return [
        {
            **{name: getattr(row, name) for name in COLUMNS},
            "token": row.claim_token,
            "worker": row.worker_id,
            "cancel_requested": row.cancel_requested_at is not None,
            "reason": getattr(row, "reason", None),
        }
        for row in TABLES[table]._default_manager.order_by("pk")
    ]


def assert_one_record_of_each_job(tables: Mapping[str, list[Row]]) -> None:
    ids = [row["id"] for rows in tables.values() for row in rows]
    assert len(ids) == len(set(ids))


def assert_tokens_are_current(live: list[Row], *, drawn: Collection[UUID]) -> None:
    """Only what runs has a token and a worker."""
    for row in live:
        runs = row["state"] == JobState.RUNNING
        assert (row["token"] in drawn) if runs else (row["token"] is None)
        assert (row["worker"] is not None) == runs


def assert_runs_are_within_their_attempts(live: list[Row]) -> None:
    for row in live:
        least = 1 if row["state"] == JobState.RUNNING else 0
        assert least <= row["attempt"] <= row["max_attempts"]


def assert_keys_have_one_holder(live: list[Row]) -> None:
    held = [row["unique_key"] for row in live if row["unique_key"] is not None]
    assert len(held) == len(set(held))


def line_of(queue: str, suspects: bool) -> list[int]:
    """The ready jobs of a queue, suspects or others, in the order of their claims."""
    ready = Job.objects.filter(queue=queue, state="ready")
    ready = ready.filter(rescues__gt=0) if suspects else ready.filter(rescues=0)
    return list(ready.order_by("-priority", "ready_at", "id").values_list("id", flat=True))
