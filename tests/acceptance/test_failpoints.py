"""One job, and a worker that something happens to at each place where it can matter."""

import signal

import pytest
from django.db import connection

from django_jobqueue import Constant, JobHandle, JobState
from django_jobqueue.core.states import WorkerState
from django_jobqueue.models import ArchivedJob, DeadJob, Job, WorkerRecord
from tests.failpoints.points import Action, Failpoints, Point

from .jobs import work
from .processes import PATIENCE, Deployment, Process, within

pytestmark = pytest.mark.acceptance

#: What a supervisor sees needs no lease to run out.
LONG_LEASE = {"LEASE": 3600, "HEARTBEAT_INTERVAL": 0.5}
IN_ONE_PROCESS = ("--processes", "0", "--concurrency", "1")


def enqueue() -> JobHandle:
    return work.using(backoff=Constant(0.05, jitter=0)).enqueue(1)


def has_happened(failpoints: Failpoints) -> bool:
    return within(PATIENCE, failpoints.fired)


def facts_of(handle: JobHandle, deployment: Deployment) -> dict[str, int]:
    """How often it ran, and what it cost; it has succeeded, and is in one place."""
    row = ArchivedJob.objects.get(pk=handle.id)
    assert row.state == JobState.SUCCEEDED
    assert not Job.objects.exists()
    assert not DeadJob.objects.exists()
    runs = deployment.journal.count("start 1")
    assert deployment.journal.count("end 1") == runs
    return {"runs": runs, "attempt": row.attempt, "rescues": row.rescues}


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (Point.BEFORE_CLAIM_COMMIT, {"runs": 1, "attempt": 1, "rescues": 0}),
        # It had not begun.
        (Point.AFTER_CLAIM_COMMIT, {"runs": 1, "attempt": 1, "rescues": 0}),
        (Point.BEFORE_HANDLER, {"runs": 1, "attempt": 1, "rescues": 1}),
        (Point.AFTER_HANDLER, {"runs": 2, "attempt": 1, "rescues": 1}),
        # It had ended; what has not been written yet is suspect all the same.
        (Point.BEFORE_FINISH_COMMIT, {"runs": 2, "attempt": 1, "rescues": 1}),
        (Point.AFTER_FINISH_COMMIT, {"runs": 1, "attempt": 1, "rescues": 0}),
    ],
)
def test_a_process_that_is_killed_there_costs_no_attempt(
    deployment: Deployment, failpoints: Failpoints, point: Point, expected: dict[str, int]
) -> None:
    handle = enqueue()
    failpoints.arm(point, Action.KILL)

    worker = deployment.worker("--concurrency", "1", **LONG_LEASE)

    assert handle.wait(PATIENCE).state == JobState.SUCCEEDED, worker.output
    assert worker.says("child.died")
    assert [str(one) for one in failpoints.fired()] == [f"{point}:kill"]
    assert facts_of(handle, deployment) == expected


@pytest.mark.postgresql
@pytest.mark.parametrize("point", Point)
def test_a_connection_that_is_terminated_there_costs_nothing(
    deployment: Deployment, failpoints: Failpoints, point: Point
) -> None:
    handle = enqueue()
    failpoints.arm(point, Action.TERMINATE)

    worker = deployment.worker(*IN_ONE_PROCESS)

    assert handle.wait(PATIENCE).state == JobState.SUCCEEDED, worker.output
    assert has_happened(failpoints)
    assert_it_goes_on(worker, deployment)
    assert facts_of(handle, deployment) == {"runs": 1, "attempt": 1, "rescues": 0}
    assert ("worker.reconciled" in worker.output) == (point is Point.AFTER_CLAIM_COMMIT)
    assert "job.finish_was_stale" not in worker.output


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (Point.BEFORE_CLAIM_COMMIT, {"runs": 1, "attempt": 1, "rescues": 0}),
        (Point.AFTER_CLAIM_COMMIT, {"runs": 1, "attempt": 1, "rescues": 0}),
        # These are the handler's own: a failed attempt.
        (Point.BEFORE_HANDLER, {"runs": 1, "attempt": 2, "rescues": 0}),
        (Point.AFTER_HANDLER, {"runs": 2, "attempt": 2, "rescues": 0}),
        (Point.BEFORE_FINISH_COMMIT, {"runs": 1, "attempt": 1, "rescues": 0}),
        (Point.AFTER_FINISH_COMMIT, {"runs": 1, "attempt": 1, "rescues": 0}),
    ],
)
def test_an_error_there_is_an_attempt_where_it_is_the_handlers_own(
    deployment: Deployment, failpoints: Failpoints, point: Point, expected: dict[str, int]
) -> None:
    handle = enqueue()
    failpoints.arm(point, Action.RAISE)

    worker = deployment.worker(*IN_ONE_PROCESS)

    assert handle.wait(PATIENCE).state == JobState.SUCCEEDED, worker.output
    assert has_happened(failpoints)
    assert_it_goes_on(worker, deployment)
    assert facts_of(handle, deployment) == expected
    assert "job.finish_was_stale" not in worker.output


@pytest.mark.parametrize(
    ("point", "runs", "reports_late"),
    [
        (Point.BEFORE_CLAIM_COMMIT, 1, False),
        # What it claimed it does not start: its lease is in doubt. What it says of it is stale.
        (Point.AFTER_CLAIM_COMMIT, 1, True),
        (Point.BEFORE_HANDLER, 2, True),
        (Point.AFTER_HANDLER, 2, True),
        (Point.BEFORE_FINISH_COMMIT, 2, True),
        (Point.AFTER_FINISH_COMMIT, 1, False),
    ],
)
def test_a_worker_that_is_paused_there_past_its_lease_changes_nothing_any_more(
    deployment: Deployment, failpoints: Failpoints, point: Point, runs: int, reports_late: bool
) -> None:
    handle = enqueue()
    failpoints.arm(point, Action.PAUSE)
    paused = deployment.worker(*IN_ONE_PROCESS)
    assert has_happened(failpoints), paused.output
    deployment.worker(*IN_ONE_PROCESS)
    assert handle.wait(PATIENCE).state == JobState.SUCCEEDED
    declared_dead = WorkerRecord.objects.filter(state=WorkerState.DEAD, pid=paused.pid)
    assert within(PATIENCE, declared_dead.exists)
    token = ArchivedJob.objects.get().claim_token

    paused.send(signal.SIGCONT)

    alive = WorkerRecord.objects.filter(state=WorkerState.ALIVE, pid=paused.pid)
    assert within(PATIENCE, alive.exists), "it goes on under another identity"
    if reports_late:
        assert paused.says("job.finish_was_stale")
    assert_it_goes_on(paused, deployment)
    row = ArchivedJob.objects.get(pk=handle.id)
    assert (row.claim_token, row.attempt) == (token, 1)
    assert facts_of(handle, deployment)["runs"] == runs
    assert ("job.finish_was_stale" in paused.output) == reports_late


def assert_it_goes_on(worker: Process, deployment: Deployment) -> None:
    after = work.enqueue(2)
    assert after.wait(PATIENCE).state == JobState.SUCCEEDED, worker.output
    assert not worker.has_ended
    assert deployment.journal.count("start 2") == 1
    connection.close()
