"""What happens at the very moment that a time names."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from django.db import connection

from django_jobqueue.core.specs import NewJob
from django_jobqueue.core.states import JobState
from django_jobqueue.models import Job, WorkerRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import LEASE, LONG_AGO, claim, claimed, ids_of, make_job, register_worker

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def worker(store: JobStore) -> UUID:
    return register_worker(store)


@pytest.fixture
def now(store: JobStore) -> datetime:
    return store.database_now()


def test_a_job_of_this_moment_is_ready(store: JobStore, now: datetime) -> None:
    for inserted in (
        store.insert(NewJob(handler="h", run_at=now), now=now),
        *store.insert_many([NewJob(handler="h", run_at=now)], now=now),
    ):
        assert Job.objects.get(pk=inserted.id).state == JobState.READY


def test_a_scheduled_job_is_promoted(store: JobStore, now: datetime) -> None:
    job = make_job(JobState.SCHEDULED, run_at=now)

    assert store.promote(now=now - MINUTE).count == 0
    assert store.promote(now=now).count == 1
    assert Job.objects.get(pk=job.pk).state == JobState.READY


def test_the_wait_for_the_next_one_is_told(store: JobStore) -> None:
    make_job(JobState.SCHEDULED, run_at=LONG_AGO)

    told = store.promote(now=LONG_AGO - MINUTE).next_due_seconds

    assert told == pytest.approx(60, abs=0.01)


@pytest.mark.postgresql
def test_never_is_nothing_to_wait_for(store: JobStore) -> None:
    make_job(JobState.SCHEDULED)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobqueue_job SET run_at = 'infinity'")

    assert store.promote().next_due_seconds is None


def test_a_job_expires(store: JobStore, worker: UUID, now: datetime) -> None:
    make_job(expires_at=now)

    assert [job.is_expired for job in claim(store, worker, now=now)] == [True]


def test_a_pause_is_over(store: JobStore, worker: UUID, now: datetime) -> None:
    job = make_job()
    store.pause_queue("default", until=now)

    assert ids_of(claim(store, worker, now=now)) == [job.pk]


def test_a_lease_still_holds(store: JobStore, worker: UUID, now: datetime) -> None:
    WorkerRecord.objects.filter(pk=worker).update(lease_expires_at=now)

    assert store.release_of_dead_workers(now=now) == []
    assert len(store.release_of_dead_workers(now=now + LEASE)) == 1


def test_a_deadline_is_still_kept(store: JobStore, worker: UUID, now: datetime) -> None:
    job = claimed(store, worker)
    Job.objects.filter(pk=job.id).update(deadline_at=now)

    assert store.overdue(now=now) == []
    assert ids_of(store.overdue(now=now + MINUTE)) == [job.id]


def test_what_runs_has_not_expired(store: JobStore, now: datetime) -> None:
    job = claimed(store)
    Job.objects.filter(pk=job.id).update(expires_at=LONG_AGO, deadline_at=LONG_AGO)

    assert [one.is_expired for one in store.overdue(now=now)] == [False]


def test_a_promoted_job_is_ready_from_then_on(store: JobStore, now: datetime) -> None:
    job = make_job(JobState.SCHEDULED, run_at=LONG_AGO, ready_at=LONG_AGO)
    store.promote()

    assert abs(Job.objects.get(pk=job.pk).ready_at - now) < MINUTE


def test_what_is_overdue_is_so_by_the_clock_of_the_store(store: JobStore, now: datetime) -> None:
    late, early = claimed(store), claimed(store)
    Job.objects.filter(pk=late.id).update(deadline_at=now - MINUTE)
    Job.objects.filter(pk=early.id).update(deadline_at=now + MINUTE)

    assert ids_of(store.overdue()) == [late.id]


def test_jobs_of_one_time_are_promoted_by_their_ids(store: JobStore, now: datetime) -> None:
    first, second, third = (make_job(JobState.SCHEDULED, run_at=now).pk for _ in range(3))
    Job.objects.filter(pk=first).update(priority=1)  # a row that is written anew lies behind
    store.promote(limit=2, now=now)

    assert set(Job.objects.filter(state="ready").values_list("pk", flat=True)) == {first, second}
    assert Job.objects.get(pk=third).state == JobState.SCHEDULED


@pytest.mark.parametrize("has_next", [True, False])
def test_what_is_overdue_says_whether_others_wait_for_it(store: JobStore, has_next: bool) -> None:
    error = None if has_next else {"type": "ValueError"}
    make_job(JobState.RUNNING, deadline_at=LONG_AGO, has_next=has_next, error=error)

    assert [one.has_next for one in store.overdue()] == [has_next]


def test_what_does_not_run_is_not_overdue_whatever_its_row_says(store: JobStore) -> None:
    make_job(deadline_at=LONG_AGO)

    assert store.overdue() == []


def test_of_two_that_are_ready_the_one_that_was_so_before_is_claimed(
    store: JobStore, worker: UUID
) -> None:
    _, first = (make_job(ready_at=LONG_AGO + minutes * MINUTE).pk for minutes in (1, 0))

    assert ids_of(claim(store, worker, total=1)) == [first]


def test_a_replacement_waits_for_as_long_as_it_says(store: JobStore, now: datetime) -> None:
    new = NewJob(handler="h", unique_key="key", on_conflict="replace", delay=60.0)
    store.insert(msgspec.structs.replace(new, delay=0.0), now=now)
    store.insert(new, now=now)

    row = Job.objects.get()
    assert (row.state, row.run_at) == (JobState.SCHEDULED, now + MINUTE)
