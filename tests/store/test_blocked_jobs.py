"""What becomes of jobs that a limit refuses, where several limits do."""

from datetime import timedelta
from uuid import UUID

import pytest

from django_jobqueue.core.limits import Limit, LimitKind, LimitName, Limits
from django_jobqueue.core.states import JobState
from django_jobqueue.models import Job
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import claim, finish, make_job, register_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def worker(store: JobStore) -> UUID:
    return register_worker(store)


def keyed(count: int, key: str) -> list[int]:
    return [make_job(concurrency_key=key).pk for _ in range(count)]


def test_each_of_several_refused_jobs_says_by_what(store: JobStore, worker: UUID) -> None:
    refused = {key: keyed(2, key)[1] for key in ("b", "a", "c")}
    claim(store, worker, limits=Limits())

    blocked_by = dict(Job.objects.filter(state="blocked").values_list("id", "blocked_by"))

    assert blocked_by == {job_id: f"key:{key}" for key, job_id in refused.items()}


def test_a_sweep_looks_at_every_limit_that_blocks_jobs(store: JobStore, worker: UUID) -> None:
    for key in ("b", "a", "d", "c"):
        keyed(3, key)
    for job in claim(store, worker, limits=Limits()):
        finish(store, job, JobState.SUCCEEDED)

    assert store.unblock().count == 4
    ready = Job.objects.filter(state="ready").values_list("concurrency_key", flat=True)
    assert sorted(ready) == ["a", "b", "c", "d"]


def test_of_those_that_one_limit_blocks_the_first_in_line_is_next(
    store: JobStore, worker: UUID
) -> None:
    keyed(1, "a")
    [job] = claim(store, worker, limits=Limits())
    now = store.database_now()
    for minutes in (1, 3, 2):
        make_job(concurrency_key="a", ready_at=now - timedelta(minutes=minutes))
    claim(store, worker, limits=Limits())
    finish(store, job, JobState.SUCCEEDED)

    store.unblock()

    assert Job.objects.get(state="ready").ready_at == now - timedelta(minutes=3)


def test_a_job_that_is_ready_again_is_blocked_by_nothing(store: JobStore, worker: UUID) -> None:
    keyed(2, "a")
    [job] = claim(store, worker, limits=Limits())
    finish(store, job, JobState.SUCCEEDED)

    store.unblock()

    row = Job.objects.get()
    assert (row.state, row.blocked_by) == ("ready", None)


def test_a_limit_that_no_candidate_is_under_is_left_alone(store: JobStore, worker: UUID) -> None:
    for key in ("a", "another"):
        store.set_limit(LimitName(LimitKind.KEY, key), Limit(max_running=1))
    first, _ = keyed(2, "a")

    assert [job.id for job in claim(store, worker, limits=Limits())] == [first]
