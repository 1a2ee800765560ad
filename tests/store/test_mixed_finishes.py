"""Finishes of several jobs that have little in common, written together."""

from typing import Any

import msgspec
import pytest

from django_jobqueue.core.specs import ClaimedJob, FinishedJob, Transition
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.models import ArchivedJob, DeadJob
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import claim, make_job, register_worker

pytestmark = pytest.mark.django_db
ERROR = '{"type":"ValueError","message":"no such page"}'


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def two(store: JobStore) -> list[ClaimedJob]:
    for _ in range(2):
        make_job(ready_at="2020-01-01T00:00Z")
    return claim(store, register_worker(store))


def write(store: JobStore, jobs: list[ClaimedJob], *said: dict[str, Any]) -> list[int]:
    done = [FinishedJob(job, Transition(**facts)) for job, facts in zip(jobs, said, strict=True)]
    assert store.finish_many(done) == {job.id for job in jobs}
    return [job.id for job in jobs]


def test_each_success_has_its_own_result_or_none(store: JobStore, two: list[ClaimedJob]) -> None:
    success = {"state": JobState.SUCCEEDED}
    ids = write(store, two, {**success, "result": '"mine"'}, success)

    assert [ArchivedJob.objects.get(pk=one).result for one in ids] == ["mine", None]


def test_each_cancelled_job_keeps_the_attempts_that_it_has_spent(
    store: JobStore, two: list[ClaimedJob]
) -> None:
    cancelled = {"state": JobState.CANCELLED}
    ids = write(store, two, {**cancelled, "attempt_change": -1}, cancelled)

    assert [ArchivedJob.objects.get(pk=one).attempt for one in ids] == [0, 1]


def test_each_dead_letter_has_its_own_error_and_its_attempts(
    store: JobStore, two: list[ClaimedJob]
) -> None:
    dead = {"state": JobState.DEAD, "reason": DeathReason.DISCARDED}
    ids = write(store, two, {**dead, "error": ERROR, "attempt_change": -1}, dead)

    [first, second] = [DeadJob.objects.get(pk=one) for one in ids]
    assert (first.error["type"], first.attempt) == ("ValueError", 0)
    assert (second.error, second.attempt) == (None, 1)


def test_the_times_of_a_dead_letter_that_can_be_read_are_kept(
    store: JobStore, two: list[ClaimedJob]
) -> None:
    unreadable = [msgspec.structs.replace(two[0], unreadable="ready_at"), two[1]]
    dead = {"state": JobState.DEAD, "reason": DeathReason.UNPROCESSABLE}
    ids = write(store, unreadable, dead, dead)

    [first, second] = [DeadJob.objects.get(pk=one) for one in ids]
    assert (first.ready_at, second.ready_at) == (two[0].claimed_at, two[1].ready_at)
