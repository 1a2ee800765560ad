"""A handler that runs in the transaction of its finish, and what happens to its worker there."""

import signal

import pytest
from django.contrib.sessions.models import Session

from django_jobqueue import Constant, JobHandle, JobState
from django_jobqueue.core.states import WorkerState
from django_jobqueue.models import ArchivedJob, WorkerRecord
from tests.failpoints.points import Action, Failpoints, Point

from .jobs import leave_a_row
from .processes import PATIENCE, Deployment, within

pytestmark = pytest.mark.acceptance

HANDLER = [Point.BEFORE_HANDLER, Point.AFTER_HANDLER]


def enqueue() -> JobHandle:
    return leave_a_row.using(backoff=Constant(0.05, jitter=0)).enqueue()


def assert_one_row_of_the_claim_that_counts(handle: JobHandle) -> None:
    assert handle.wait(PATIENCE).state == JobState.SUCCEEDED
    token = ArchivedJob.objects.get(pk=handle.id).claim_token
    assert [row.session_key for row in Session.objects.all()] == [token.hex]


@pytest.mark.parametrize("point", [Point.AFTER_CLAIM_COMMIT, *HANDLER])
def test_a_process_that_is_killed_there_leaves_no_trace_of_its_run(
    deployment: Deployment, failpoints: Failpoints, point: Point
) -> None:
    handle = enqueue()
    failpoints.arm(point, Action.KILL)

    deployment.worker("--concurrency", "1")

    assert_one_row_of_the_claim_that_counts(handle)
    assert [str(one) for one in failpoints.fired()] == [f"{point}:kill"]
    assert handle.snapshot.attempt == 1


@pytest.mark.postgresql
@pytest.mark.parametrize("point", HANDLER)
def test_a_transaction_whose_connection_is_terminated_leaves_no_trace(
    deployment: Deployment, failpoints: Failpoints, point: Point
) -> None:
    handle = enqueue()
    failpoints.arm(point, Action.TERMINATE)

    deployment.worker("--processes", "0", "--concurrency", "1")

    assert_one_row_of_the_claim_that_counts(handle)
    assert [str(one) for one in failpoints.fired()] == [f"{point}:terminate"]
    assert handle.snapshot.attempt == 2, "the handler's own connection: a failed attempt"


@pytest.mark.postgresql  # on SQLite, whoever is paused there keeps all others from writing
@pytest.mark.parametrize("point", HANDLER)
def test_a_worker_that_is_paused_there_past_its_lease_rolls_back(
    deployment: Deployment, failpoints: Failpoints, point: Point
) -> None:
    handle = enqueue()
    failpoints.arm(point, Action.PAUSE)
    paused = deployment.worker("--processes", "0", "--concurrency", "1")
    assert within(PATIENCE, failpoints.fired), paused.output
    deployment.worker("--processes", "0", "--concurrency", "1")
    assert_one_row_of_the_claim_that_counts(handle)

    paused.send(signal.SIGCONT)

    alive = WorkerRecord.objects.filter(state=WorkerState.ALIVE, pid=paused.pid)
    assert within(PATIENCE, alive.exists)
    assert paused.says("job.finish_was_stale"), "it has answered, and nothing came of it"
    assert_one_row_of_the_claim_that_counts(handle)
