"""Batches, for those who test what becomes of them."""

from typing import Any
from uuid import UUID

from django_jobqueue.core.batches import BatchSnapshot, NewBatch
from django_jobqueue.core.specs import ClaimedJob, NewJob, Transition
from django_jobqueue.core.states import JobState
from django_jobqueue.models import Job
from django_jobqueue.store.base import JobStore

from .helpers import claim

CALLBACKS = {f"on_{end}": NewJob(handler=f"on_{end}") for end in ("success", "failure", "finish")}
SUCCESS = Transition(state=JobState.SUCCEEDED)


def member(name: str = "member", **fields: Any) -> NewJob:
    return NewJob(handler=name, queue=fields.pop("queue", "members"), **fields)


def batch_of(store: JobStore, count: int = 2, **said: Any) -> int:
    new = NewBatch(**{**CALLBACKS, **said})
    batch_id, _ = store.insert_batch(new, [[member()] for _ in range(count)])
    return batch_id


def claimed(store: JobStore, worker: UUID) -> list[ClaimedJob]:
    return claim(store, worker, "members")


def callbacks() -> list[str]:
    """What was enqueued at the end of a batch, in order."""
    return list(
        Job.objects.exclude(queue="members").order_by("id").values_list("handler", flat=True)
    )


def numbers(store: JobStore, batch_id: int) -> tuple[int, int, int, int, int]:
    found = snapshot(store, batch_id)
    return (found.waiting, found.running, found.succeeded, found.cancelled, found.dead)


def snapshot(store: JobStore, batch_id: int) -> BatchSnapshot:
    found = store.find_batch(batch_id)
    assert found is not None
    return found
