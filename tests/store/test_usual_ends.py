"""Most jobs succeed, and nobody has to hear of it. What is quick for them must not be wrong for the
others of their batch.
"""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from django.db import connection
from freezegun.api import FakeDatetime

from django_jobqueue.core.specs import (
    AttemptReport,
    ClaimedJob,
    FinishedJob,
    NewJob,
    Transition,
)
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.core.transitions import SUCCEEDED
from django_jobqueue.models import ArchivedJob, AttemptRecord, DeadJob, Job
from django_jobqueue.models.base import JobRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import claim, finish, register_worker

pytestmark = pytest.mark.django_db

AT = datetime(2026, 1, 1, 0, 0, 0, 120, tzinfo=UTC)
SHARED = {field.column for field in JobRecord._meta.get_fields()}
#: What such a job has nothing in, or something else once it has ended.
OTHERWISE = {"attempted_at", "cancel_requested_at", "batch_id", "result"}
#: Something in every other column.
FULL = """
UPDATE jobqueue_job
SET priority = 3, run_at = created_at, deadline_at = created_at, expires_at = created_at,
    attempt = 2, reprocess_count = 4, rescues = 1, fingerprint = 'mine', unique_key = 'key',
    timeout_seconds = 1.5, concurrency_key = 'one', backoff = '{"of": "backoff"}',
    error = '{"of": "error"}', progress = '{"of": "progress"}',
    checkpoints = '{"of": "checkpoints"}', meta = '{"of": "meta"}', tags = '["tag"]',
    template = 'template', schedule = 'schedule', slot = created_at, requeued_from = 5,
    waits_for = 6
"""


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def worker(store: JobStore) -> UUID:
    return register_worker(store)


def claimed(store: JobStore, worker: UUID, *, count: int) -> list[ClaimedJob]:
    store.insert_many([NewJob(handler="h")] * count)
    return claim(store, worker)


def succeeded(job: ClaimedJob, *, at: datetime | None = AT) -> FinishedJob:
    return FinishedJob(job, SUCCEEDED, at)


def test_a_job_that_succeeded_is_archived_as_it_was(store: JobStore, worker: UUID) -> None:
    [job] = claimed(store, worker, count=1)
    with connection.cursor() as cursor:
        cursor.execute(FULL)
    columns = sorted(SHARED - OTHERWISE)
    before = Job.objects.values(*columns).get()
    assert None not in before.values()

    assert store.finish_many([succeeded(job)]) == {job.id}

    record = ArchivedJob.objects.get()
    assert ArchivedJob.objects.values(*columns).get() == before
    assert (record.state, record.result, record.attempted_at) == ("succeeded", None, AT)
    assert before["claimed_at"] <= record.finished_at


def test_one_that_no_handler_was_called_for_has_no_time_of_that(
    store: JobStore, worker: UUID
) -> None:
    store.insert(NewJob(handler="h"))
    Job.objects.update(attempted_at=AT)  # by the attempt before
    [job] = claim(store, worker)

    store.finish_many([succeeded(job, at=None)])

    assert ArchivedJob.objects.get().attempted_at is None


def test_of_one_that_answered_the_time_on_its_row_is_kept_where_none_is_told(
    store: JobStore, worker: UUID
) -> None:
    [job] = claimed(store, worker, count=1)
    Job.objects.update(attempted_at=AT)
    answered = Transition(state=JobState.SUCCEEDED, result="1")

    store.finish_many([FinishedJob(job, answered)])

    assert ArchivedJob.objects.get().attempted_at == AT


def test_the_moment_of_a_frozen_clock_is_written_as_any_other(
    store: JobStore, worker: UUID
) -> None:
    """Tests of a site freeze clocks: their moments are of a class of their own."""
    usual, good, bad = claimed(store, worker, count=3)
    moment = datetime(2026, 1, 1, 12, tzinfo=UTC)
    frozen = FakeDatetime(2026, 1, 1, 12, tzinfo=UTC)
    failed = Transition(state=JobState.READY, report=AttemptReport(outcome="failed"))

    store.finish_many(
        [
            succeeded(usual, at=moment),
            succeeded(good, at=frozen),
            FinishedJob(bad, failed, frozen),
        ]
    )

    assert AttemptRecord.objects.get().started_at == moment
    # As SQLite has it, where times are texts.
    assert ArchivedJob.objects.values("attempted_at").distinct().get() == {"attempted_at": moment}


def test_a_claim_that_was_lost_is_told_from_those_that_hold(store: JobStore, worker: UUID) -> None:
    jobs = claimed(store, worker, count=3)
    assert finish(store, jobs[1], JobState.READY, keeps_place=True)
    [again] = claim(store, worker)

    assert store.finish_many([succeeded(job) for job in jobs]) == {jobs[0].id, jobs[2].id}

    assert Job.objects.get().claim_token == again.claim_token
    assert set(ArchivedJob.objects.values_list("id", flat=True)) == {jobs[0].id, jobs[2].id}


def test_one_whose_cancellation_was_asked_for_has_succeeded_all_the_same(
    store: JobStore, worker: UUID
) -> None:
    jobs = claimed(store, worker, count=2)
    Job.objects.filter(pk=jobs[0].id).update(cancel_requested_at=AT)

    assert store.finish_many([succeeded(job) for job in jobs]) == {job.id for job in jobs}

    assert set(ArchivedJob.objects.values_list("state", flat=True)) == {"succeeded"}
    assert not Job.objects.exists()


def test_who_waits_for_one_of_many_goes_on(store: JobStore, worker: UUID) -> None:
    _, first, _, waiting = store.insert_many([NewJob(handler="h")] * 4)
    Job.objects.filter(pk=first.id).update(has_next=True)
    Job.objects.filter(pk=waiting.id).update(state="blocked", waits_for=first.id)
    jobs = claim(store, worker)

    assert store.finish_many([succeeded(job) for job in jobs]) == {job.id for job in jobs}

    assert Job.objects.get().state == "ready"


def test_one_that_a_limit_blocks_is_none_that_waits(store: JobStore, worker: UUID) -> None:
    first, blocked = store.insert_many([NewJob(handler="h")] * 2)
    Job.objects.filter(pk=first.id).update(has_next=True)
    Job.objects.filter(pk=blocked.id).update(
        state="blocked", blocked_by="key:k", waits_for=first.id
    )

    store.finish_many([succeeded(job) for job in claim(store, worker)])

    assert Job.objects.get().state == "blocked"


@pytest.mark.parametrize("usual_first", [True, False])
def test_the_first_report_of_a_claim_counts(
    store: JobStore, worker: UUID, *, usual_first: bool
) -> None:
    [job] = claimed(store, worker, count=1)
    reports = [succeeded(job), FinishedJob(job, Transition(state=JobState.CANCELLED), AT)]

    assert store.finish_many(reports if usual_first else reports[::-1]) == {job.id}

    assert ArchivedJob.objects.get().state == ("succeeded" if usual_first else "cancelled")


def test_it_counts_also_where_others_end_as_the_second_says(store: JobStore, worker: UUID) -> None:
    other, job = claimed(store, worker, count=2)
    dead = Transition(state=JobState.DEAD, reason=DeathReason.EXHAUSTED)

    finish_all = [succeeded(other), FinishedJob(job, dead, AT), succeeded(job)]
    assert store.finish_many(finish_all) == {other.id, job.id}

    assert [row.pk for row in DeadJob.objects.all()] == [job.id]
    assert [row.pk for row in ArchivedJob.objects.all()] == [other.id]


def test_nothing_is_written_for_a_claim_that_never_was(store: JobStore, worker: UUID) -> None:
    [job] = claimed(store, worker, count=1)
    Job.objects.update(claim_token=uuid4())

    assert store.finish_many([succeeded(job)]) == set()

    assert Job.objects.get().state == "running"
    assert not ArchivedJob.objects.exists()
