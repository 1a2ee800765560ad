"""Chains, for those who test what becomes of them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django_jobqueue.core.specs import NewJob
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.models import ArchivedJob
from django_jobqueue.store.base import JobStore

HOUR = timedelta(hours=1)
CANCEL_ERROR = '{"type":"Cancel","message":"no need"}'
DEAD = {
    "state": JobState.DEAD,
    "reason": DeathReason.DISCARDED,
    "error": '{"type":"ValueError","message":"no such page"}',
}


def chained(store: JobStore, count: int = 3, **fields: Any) -> list[int]:
    jobs = [NewJob(handler=f"tests.link_{place}", **fields) for place in range(count)]
    return [one.id for one in store.insert_chain(jobs)]


def state_of(store: JobStore, job_id: int) -> JobState:
    found = store.find(job_id)
    assert found is not None
    return found.state


def states(store: JobStore, ids: Sequence[int]) -> list[JobState]:
    return [state_of(store, one) for one in ids]


def message_of(job_id: int) -> str:
    error = ArchivedJob.objects.get(pk=job_id).error
    assert error is not None
    assert error["type"] == "Cancel"
    return str(error["message"])
