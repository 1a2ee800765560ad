"""A worker whose end was seen: what had started is suspect, the rest goes back untouched."""

from uuid import uuid4

import pytest

from django_jobqueue.core.backoff import NoRetry
from django_jobqueue.core.limits import Limits
from django_jobqueue.core.outcomes import Rescue
from django_jobqueue.core.specs import AttemptReport, FinishedJob, JobFilter, WantedJobs
from django_jobqueue.core.states import JobState, WorkerState
from django_jobqueue.core.transitions import decide
from django_jobqueue.models import ArchivedJob, WorkerRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import claim, claimed, finish, make_job, quarantine_of, register_worker

pytestmark = pytest.mark.django_db
CAUSE = "killed by SIGSEGV"


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def quarantine(store: JobStore) -> JobStore:
    return quarantine_of(store)


def test_only_what_had_started_is_suspect_when_a_worker_dies(store: JobStore) -> None:
    worker = register_worker(store)
    started, waiting = make_job(queue="q"), make_job(queue="r")
    claim(store, worker, "q", "r")

    released = store.release_of_worker(worker, started=[started.pk], cause=CAUSE)

    assert sorted(released.job_ids) == sorted([started.pk, waiting.pk])
    assert released.queues == ("q", "r")
    guilty, innocent = store.find(started.pk), store.find(waiting.pk)
    assert guilty is not None
    assert innocent is not None
    assert (guilty.state, guilty.attempt, guilty.rescues) == (JobState.READY, 0, 1)
    assert guilty.error == {"type": "WorkerDied", "message": CAUSE}
    assert (innocent.state, innocent.attempt, innocent.rescues) == (JobState.READY, 0, 0)
    assert (innocent.reprocess_count, innocent.error) == (0, None)
    assert innocent.ready_at == waiting.ready_at, "its place in line is kept"
    [attempt] = store.attempts_of(started.pk)
    assert (attempt.outcome, attempt.message) == ("rescued", CAUSE)
    assert store.attempts_of(waiting.pk) == []
    assert WorkerRecord.objects.get(pk=worker).state == WorkerState.DEAD


def test_a_worker_that_saw_a_run_die_makes_a_suspect_of_its_job(store: JobStore) -> None:
    job = claimed(store, queue="q")
    other = make_job(queue="q")
    rescue = decide(job, Rescue(CAUSE), NoRetry())

    assert store.finish_many([FinishedJob(job, rescue, job.claimed_at)]) == {job.id}

    guilty = store.find(job.id)
    assert guilty is not None
    assert (guilty.state, guilty.attempt) == (JobState.READY, 0)
    assert (guilty.rescues, guilty.reprocess_count) == (1, 1)
    assert guilty.error == {"type": "WorkerDied", "message": CAUSE}
    assert guilty.ready_at is not None
    assert guilty.ready_at >= other.ready_at, "at the end of the line"
    [attempt] = store.attempts_of(job.id)
    assert (attempt.outcome, attempt.attempt, attempt.message) == ("rescued", 1, CAUSE)


def test_without_marks_all_that_a_dead_worker_held_is_suspect(store: JobStore) -> None:
    worker = register_worker(store)
    jobs = [make_job(queue="q"), make_job(queue="q")]
    claim(store, worker, "q")

    store.release_of_worker(worker, started=None, cause=CAUSE)

    assert [store.find(job.pk).rescues for job in jobs] == [1, 1]  # type: ignore[union-attr]


def test_what_a_worker_had_finished_is_not_released_with_its_death(store: JobStore) -> None:
    worker = register_worker(store)
    job = claimed(store, worker, queue="q")
    finish(store, job, JobState.SUCCEEDED)

    released = store.release_of_worker(worker, started=[job.id], cause=CAUSE)

    assert released.job_ids == ()
    assert ArchivedJob.objects.filter(pk=job.id).exists()


def test_a_job_to_be_cancelled_is_cancelled_with_the_death_of_its_worker(store: JobStore) -> None:
    worker = register_worker(store)
    job = claimed(store, worker, queue="q")
    store.cancel(JobFilter(ids=(job.id,)))

    assert store.release_of_worker(worker, started=[job.id], cause=CAUSE).job_ids == ()
    assert ArchivedJob.objects.get(pk=job.id).state == JobState.CANCELLED


def test_a_released_worker_claims_nothing_more(store: JobStore) -> None:
    worker = register_worker(store)
    store.release_of_worker(worker, started=[], cause=CAUSE)
    make_job(queue="q")

    assert claim(store, worker, "q") == []


def test_a_release_leaves_the_jobs_of_other_workers(store: JobStore) -> None:
    other = register_worker(store)
    job = claimed(store, other, queue="q")

    assert store.release_of_worker(uuid4(), started=None, cause=CAUSE).job_ids == ()
    assert store.find(job.id).state is JobState.RUNNING  # type: ignore[union-attr]


@pytest.mark.parametrize("limits", [None, Limits()], ids=["without limits", "within limits"])
def test_suspects_are_for_the_quarantine_and_the_others_are_not(
    store: JobStore, quarantine: JobStore, limits: Limits | None
) -> None:
    worker = register_worker(store)
    sound, suspect = make_job(queue="q"), make_job(queue="q", rescues=1)

    [run_there] = claim(quarantine, worker, "q", limits=limits)
    [run_here] = claim(store, worker, "q", limits=limits)

    assert (run_there.id, run_here.id) == (suspect.pk, sound.pk)


def test_finish_and_claim_of_the_quarantine_takes_suspects_alone(
    store: JobStore, quarantine: JobStore
) -> None:
    worker = register_worker(store)
    make_job(queue="q")
    suspect = make_job(queue="q", rescues=1)
    wanted = [WantedJobs("q", 5)]

    _, taken = quarantine.finish_and_claim(
        [], worker_id=worker, token=uuid4(), wanted=wanted, total=5
    )

    assert [job.id for job in taken] == [suspect.pk]


def test_the_queues_where_suspects_wait_are_known(quarantine: JobStore) -> None:
    make_job(queue="sound")
    make_job(queue="b", rescues=1)
    make_job(queue="a", rescues=2)
    make_job(queue="b", rescues=1)
    make_job(JobState.RUNNING, queue="running", rescues=1)

    assert quarantine.queues_with_ready_jobs() == ["a", "b"]


def test_a_suspect_that_ended_a_run_is_none_any_more(store: JobStore, quarantine: JobStore) -> None:
    worker = register_worker(store)
    job = make_job(queue="q", rescues=1)
    [taken] = claim(quarantine, worker, "q")
    finish(store, taken, JobState.READY, report=AttemptReport(outcome="failed"))

    assert quarantine.queues_with_ready_jobs() == []
    assert [one.id for one in claim(store, worker, "q")] == [job.pk]
