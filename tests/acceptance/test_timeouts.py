"""A handler that nothing ends, in a worker with other work to do."""

import os
from typing import Any

import pytest

from django_jobqueue import JobState
from django_jobqueue.jobs.control import cancel
from django_jobqueue.models import ArchivedJob, DeadJob, Job

from .jobs import (
    block_async,
    loop,
    loop_async,
    loop_until_cancelled,
    tell_process,
    wait_async,
    work,
)
from .processes import PATIENCE, Deployment, Process, within

pytestmark = pytest.mark.acceptance

SHORT_GRACE = {"TIMEOUT_GRACE": 1}


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pid_of_the_loop(deployment: Deployment) -> int:
    assert within(PATIENCE, lambda: any(line.startswith("loop ") for line in deployment.journal))
    [pid] = [line.split()[1] for line in deployment.journal if line.startswith("loop ")][:1]
    return int(pid)


def assert_it_is_healthy_in_another_process(
    worker: Process, deployment: Deployment, *, old: int
) -> None:
    assert within(PATIENCE, lambda: not is_running(old)), worker.output
    assert tell_process.enqueue(1).wait(PATIENCE).state == JobState.SUCCEEDED
    [process] = [line.split()[1] for line in deployment.journal if line.startswith("process ")]
    assert int(process) != old
    assert not worker.has_ended
    assert "child.retires" in worker.output
    assert "child.died" not in worker.output
    assert "finish_was_stale" not in worker.output


@pytest.mark.parametrize(
    "handler",
    [loop, loop_async, block_async],
    ids=["sync", "async", "async that blocks"],
)
def test_an_endless_loop_is_dead_and_everything_else_is_done(
    deployment: Deployment, handler: Any
) -> None:
    endless = handler.enqueue()
    short = work.enqueue_many([{"number": number, "seconds": 0.01} for number in range(200)])
    worker = deployment.worker("--concurrency", "4", **SHORT_GRACE)
    old = pid_of_the_loop(deployment)

    assert endless.wait(PATIENCE).state == JobState.DEAD
    assert "JobTimedOut" in str(endless.error)
    assert within(PATIENCE, lambda: not Job.objects.exists()), worker.output
    assert set(ArchivedJob.objects.values_list("pk", "attempt")) == {(job.id, 1) for job in short}
    assert [row.pk for row in DeadJob.objects.all()] == [endless.id]
    assert_it_is_healthy_in_another_process(worker, deployment, old=old)


def test_an_endless_loop_that_was_cancelled_is_cancelled(deployment: Deployment) -> None:
    endless = loop_until_cancelled.enqueue()
    worker = deployment.worker("--concurrency", "1", **SHORT_GRACE)
    old = pid_of_the_loop(deployment)

    cancel(endless.id)

    assert endless.wait(PATIENCE).state == JobState.CANCELLED
    assert "loop goes on" in deployment.journal, "it was interrupted before it was given up"
    assert_it_is_healthy_in_another_process(worker, deployment, old=old)


def test_what_shares_its_event_loop_is_given_back_and_runs_elsewhere(
    deployment: Deployment,
) -> None:
    neighbour = wait_async.enqueue()
    worker = deployment.worker(DRAIN=1, **SHORT_GRACE)
    assert deployment.has_noted("start async")
    endless = block_async.enqueue()
    old = pid_of_the_loop(deployment)

    assert endless.wait(PATIENCE).state == JobState.DEAD
    assert within(PATIENCE, lambda: deployment.journal.count("start async") == 2), worker.output

    assert within(PATIENCE, lambda: not is_running(old)), worker.output
    row = Job.objects.get(pk=neighbour.id)
    assert (row.state, row.attempt, row.rescues) == (JobState.RUNNING, 1, 0)
    assert "child.died" not in worker.output


def test_a_worker_of_one_process_goes_on_beside_it(deployment: Deployment) -> None:
    endless = loop.enqueue()
    worker = deployment.worker("--processes", "0", "--concurrency", "1", **SHORT_GRACE)

    assert endless.wait(PATIENCE).state == JobState.DEAD
    assert work.enqueue(1).wait(PATIENCE).state == JobState.SUCCEEDED
    assert "job.given_up" in worker.output
    assert not worker.has_ended
