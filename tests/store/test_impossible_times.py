"""A row whose times nobody can tell, edited by hand: it keeps its neighbours from nothing."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import connection

from django_jobqueue.core.specs import NewJob, WantedJobs
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.models import DeadJob, Job
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import LONG_AGO, claim, finish, ids_of, make_job, quarantine_of, register_worker

pytestmark = pytest.mark.django_db

#: A column, and what a hand has written there.
POSTGRESQL = [
    ("ready_at", None),
    ("ready_at", "infinity"),
    ("ready_at", "-infinity"),
    ("created_at", "infinity"),
    ("created_at", "-infinity"),
    ("created_at", "0044-03-15 12:00+00 BC"),
    ("created_at", "9999-12-31 23:59:59+00"),
    ("created_at", "294276-12-31 00:00+00"),
]
SQLITE = [
    ("ready_at", None),
    ("ready_at", ""),
    ("created_at", "infinity"),
    ("created_at", "2026-02-31 12:00:00"),
    ("created_at", "0001-01-01 00:00:00+14:00"),
    ("created_at", 2461000),
]
EDITS = [
    *[pytest.param(*edit, marks=pytest.mark.postgresql, id=f"{edit}") for edit in POSTGRESQL],
    *[pytest.param(*edit, marks=pytest.mark.sqlite, id=f"{edit}") for edit in SQLITE],
]
FINE = datetime(2020, 1, 1, tzinfo=UTC)


def edit(job_id: int, column: str, value: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE jobqueue_job SET {column} = %s WHERE id = %s",
            [value, job_id],
        )


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


def three_of_which_one_has(store: JobStore, column: str, value: object) -> tuple[int, set[int]]:
    first, bad, last = (store.insert(NewJob(handler="tests.handler")).id for _ in range(3))
    edit(bad, column, value)
    return bad, {first, last}


@pytest.mark.parametrize(("column", "value"), EDITS)
def test_its_neighbours_are_claimed_and_it_says_what_cannot_be_read(
    store: JobStore, column: str, value: object
) -> None:
    bad, others = three_of_which_one_has(store, column, value)

    jobs = {job.id: job for job in claim(store, register_worker(store))}

    assert jobs.keys() == {bad, *others}
    assert {jobs[job_id].unreadable for job_id in others} == {None}
    told = jobs[bad].unreadable or ""
    assert column in told
    assert f"{value}+00:00" not in told  # which nobody wrote there
    assert getattr(jobs[bad], column) == jobs[bad].claimed_at


@pytest.mark.parametrize(("column", "value"), EDITS)
def test_it_can_be_buried_and_looked_at(store: JobStore, column: str, value: object) -> None:
    bad, _ = three_of_which_one_has(store, column, value)
    jobs = {job.id: job for job in claim(store, register_worker(store))}

    assert finish(store, jobs[bad], JobState.DEAD, reason=DeathReason.UNPROCESSABLE)

    record = DeadJob.objects.get(pk=bad)
    assert record.ready_at == record.created_at == jobs[bad].claimed_at
    found = store.find(bad)
    assert found is not None
    assert found.created_at == jobs[bad].claimed_at


def test_a_dead_letter_keeps_times_that_can_be_told(store: JobStore) -> None:
    inserted = store.insert(NewJob(handler="tests.handler"), now=FINE)
    [job] = claim(store, register_worker(store))
    finish(store, job, JobState.DEAD, reason=DeathReason.UNPROCESSABLE)

    record = DeadJob.objects.get(pk=inserted.id)
    assert (record.created_at, record.ready_at) == (FINE, FINE)


@pytest.mark.parametrize(("column", "value"), EDITS)
def test_it_is_claimed_with_its_neighbours_in_the_round_trip_that_writes(
    store: JobStore, column: str, value: object
) -> None:
    bad, others = three_of_which_one_has(store, column, value)
    wanted = [WantedJobs("default", 9)]

    _, jobs = store.finish_and_claim(
        [], worker_id=register_worker(store), token=uuid4(), wanted=wanted, total=9
    )

    assert {job.id for job in jobs} == {bad, *others}


NEVER = [
    pytest.param(None, id="none"),
    pytest.param("infinity", marks=pytest.mark.postgresql),
    pytest.param("294276-12-31 00:00+00", marks=pytest.mark.postgresql),
    pytest.param("infinity", marks=pytest.mark.sqlite),
    pytest.param("9999-99-99", marks=pytest.mark.sqlite),
]
AT_ONCE = [
    pytest.param("-infinity", marks=pytest.mark.postgresql),
    pytest.param("0044-03-15 12:00+00 BC", marks=pytest.mark.postgresql),
    pytest.param("", marks=pytest.mark.sqlite),
    pytest.param("-infinity", marks=pytest.mark.sqlite),
    pytest.param("1999-99-99", marks=pytest.mark.sqlite),
    pytest.param(7, marks=pytest.mark.sqlite),
]


class TestPromotion:
    @pytest.mark.parametrize("run_at", NEVER)
    def test_what_is_never_due_waits_and_the_others_are_promoted(
        self, store: JobStore, run_at: object
    ) -> None:
        never = make_job(JobState.SCHEDULED).pk
        edit(never, "run_at", run_at)
        due = make_job(JobState.SCHEDULED, run_at=LONG_AGO).pk

        promoted = store.promote()

        assert promoted.count == 1
        assert ids_of(Job.objects.filter(state="ready").only("id")) == [due]
        assert promoted.next_due_seconds is None or promoted.next_due_seconds > 3600
        assert store.promote().count == 0

    @pytest.mark.parametrize("run_at", NEVER)
    def test_the_next_time_that_can_be_told_is_waited_for(
        self, store: JobStore, run_at: object
    ) -> None:
        edit(make_job(JobState.SCHEDULED).pk, "run_at", run_at)
        store.insert(NewJob(handler="tests.handler", delay=60))

        assert store.promote().next_due_seconds == pytest.approx(60, abs=5)

    @pytest.mark.parametrize("run_at", AT_ONCE)
    def test_what_has_always_been_due_is_promoted_with_the_others(
        self, store: JobStore, run_at: object
    ) -> None:
        edit(make_job(JobState.SCHEDULED).pk, "run_at", run_at)
        make_job(JobState.SCHEDULED, run_at=LONG_AGO)

        assert store.promote(limit=1).count == 1
        assert store.promote().count == 1
        assert Job.objects.filter(state="ready").count() == 2


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "column", ["priority", "max_attempts", "reprocess_count", "rescues", "timeout_seconds"]
)
def test_a_text_where_a_number_belongs_keeps_nobody_from_being_claimed(
    store: JobStore, column: str
) -> None:
    bad, others = three_of_which_one_has(store, column, "many")

    worker = register_worker(store)
    # A text is more than 0, as SQLite compares: such a row looks like a suspect.
    jobs = [*claim(store, worker), *claim(quarantine_of(store), worker)]

    assert {job.id for job in jobs} == {bad, *others}
    assert {getattr(job, column) for job in jobs if job.id == bad} == {0}
