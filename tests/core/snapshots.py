"""Snapshots of which a test says only what it is about."""

from typing import Any

from django_jobqueue.core.snapshots import JobSnapshot, WorkerSnapshot
from django_jobqueue.core.states import JobState, WorkerState


def a_job(**said: Any) -> JobSnapshot:
    fields: dict[str, Any] = dict.fromkeys(JobSnapshot.__struct_fields__)
    fields |= {"id": 1, "handler": "send", "queue": "mail", "state": JobState.READY}
    return JobSnapshot(**{**fields, **said})


def a_worker(**said: Any) -> WorkerSnapshot:
    fields: dict[str, Any] = dict.fromkeys(WorkerSnapshot.__struct_fields__)
    fields |= {"state": WorkerState.ALIVE, "queues": (), "handlers": (), "has_lease": True}
    return WorkerSnapshot(**{**fields, **said})
