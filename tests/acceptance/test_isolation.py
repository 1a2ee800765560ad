"""Handlers in processes of their own, and workers that end, or are ended, around them."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from django_jobqueue import DeathReason, JobState
from django_jobqueue.models import ArchivedJob, DeadJob, Job

from .isolated_jobs import crash, hold, hold_for_ever, kill_the_worker, wait_for
from .jobs import work
from .processes import PATIENCE, Deployment, within

pytestmark = pytest.mark.acceptance

#: Nothing below may wait for a lease to run out.
LONG_LEASE = {"LEASE": 3600, "HEARTBEAT_INTERVAL": 0.5}
#: Each of them starts at least one process, and two wait for the quarantine.
THREE_RUNS = 3 * PATIENCE


@pytest.fixture(autouse=True)
def no_process_is_left(deployment: Deployment) -> Iterator[None]:
    yield
    for process in deployment.processes:
        process.kill()
        for pid in [*process.children, *map(int, noted(deployment, "hold"))]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def noted(deployment: Deployment, word: str) -> list[str]:
    return [line.split()[1] for line in deployment.journal if line.startswith(f"{word} ")]


def the_process_that(deployment: Deployment, word: str) -> int:
    assert within(PATIENCE, lambda: noted(deployment, word)), deployment.processes[0].output
    return int(noted(deployment, word)[0])


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_handler_that_holds_its_interpreter_costs_nobody_a_heartbeat(
    deployment: Deployment, processes: str
) -> None:
    stuck = hold.using(timeout=3).enqueue()
    others = work.enqueue_many([{"number": number, "seconds": 0.01} for number in range(50)])
    worker = deployment.worker("--processes", processes)

    assert stuck.wait(PATIENCE).state == JobState.DEAD
    assert "JobTimedOut" in str(stuck.error)
    assert within(PATIENCE, lambda: not Job.objects.exists())
    assert set(ArchivedJob.objects.values_list("pk", "attempt")) == {(job.id, 1) for job in others}
    assert not is_running(the_process_that(deployment, "hold"))
    assert "declared_dead" not in worker.output, "its leases were twice over"
    assert "child.died" not in worker.output
    assert "child.retires" not in worker.output


def test_a_job_that_kills_its_process_each_time_costs_no_child(deployment: Deployment) -> None:
    guilty = crash.enqueue()
    others = work.enqueue_many([{"number": number, "seconds": 0.01} for number in range(50)])
    worker = deployment.worker(**LONG_LEASE)

    assert guilty.wait(THREE_RUNS).state == JobState.DEAD, worker.output
    assert within(PATIENCE, lambda: not Job.objects.exists())
    assert guilty.snapshot.reason == DeathReason.POISON
    assert "killed by SIGSEGV" in str(guilty.error)
    assert set(ArchivedJob.objects.values_list("pk", "attempt")) == {(job.id, 1) for job in others}
    assert [row.pk for row in DeadJob.objects.all()] == [guilty.id]
    assert "child.died" not in worker.output


def test_a_job_process_does_not_outlive_a_worker_that_was_killed(deployment: Deployment) -> None:
    hold_for_ever.enqueue()
    worker = deployment.worker("--processes", "0")
    process = the_process_that(deployment, "hold")

    worker.kill()

    assert within(PATIENCE, lambda: not is_running(process)), "it held its interpreter"


def test_nor_a_child_that_was_killed(deployment: Deployment) -> None:
    handle = hold_for_ever.enqueue()
    worker = deployment.worker(**LONG_LEASE)
    process = the_process_that(deployment, "hold")

    os.kill(worker.children[0], signal.SIGKILL)

    assert within(PATIENCE, lambda: not is_running(process))
    assert within(PATIENCE, lambda: len(noted(deployment, "hold")) == 2), "it runs again"
    assert handle.refresh().snapshot.rescues == 1


def test_nor_a_supervisor_that_was_killed(deployment: Deployment) -> None:
    handle = hold_for_ever.enqueue()
    worker = deployment.worker(**LONG_LEASE)
    process = the_process_that(deployment, "hold")

    worker.kill()

    assert within(PATIENCE, lambda: not is_running(process))
    assert within(PATIENCE, lambda: not any(map(is_running, worker.children)))
    row = Job.objects.get(pk=handle.id)
    assert (row.state, row.attempt, row.rescues) == (JobState.READY, 0, 0), "it was given back"


def test_it_ends_with_the_lease_of_a_worker_that_is_stopped(deployment: Deployment) -> None:
    handle = wait_for.enqueue("/nowhere/at/all")
    worker = deployment.worker("--processes", "0")
    process = the_process_that(deployment, "start")

    worker.send(signal.SIGSTOP)

    assert within(PATIENCE, lambda: has_died(process)), "nobody else was there to end it"
    worker.send(signal.SIGCONT)
    assert within(PATIENCE, lambda: len(noted(deployment, "start")) == 2), "it runs again"
    assert handle.refresh().snapshot.attempt == 1


def has_died(pid: int) -> bool:
    """Whether it has ended, even if a parent that is stopped was not told yet."""
    with suppress(FileNotFoundError), open(f"/proc/{pid}/stat") as facts:
        return facts.read().rpartition(")")[2].split()[0] == "Z"
    return True


def test_a_job_that_kills_its_worker_each_time_is_poison(deployment: Deployment) -> None:
    guilty = kill_the_worker.enqueue()
    worker = deployment.worker(**LONG_LEASE)

    assert guilty.wait(THREE_RUNS).state == JobState.DEAD, worker.output
    assert guilty.snapshot.reason == DeathReason.POISON
    assert len(noted(deployment, "kill")) == 3


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_drain_waits_for_it_whoever_else_gets_the_signal(
    deployment: Deployment, processes: str
) -> None:
    gate = deployment.folder / "gate"
    handle = wait_for.enqueue(str(gate))
    worker = deployment.worker("--processes", processes)
    process = the_process_that(deployment, "start")

    for pid in [process, *worker.children, worker.pid]:  # as systemd does, to all of a unit
        os.kill(pid, signal.SIGTERM)
    assert worker.says("worker.draining")
    gate.touch()

    assert worker.status() == 0, worker.output
    assert handle.refresh().state == JobState.SUCCEEDED
    assert not is_running(process)


@pytest.mark.parametrize("processes", ["0", "1"])
def test_what_does_not_end_in_time_is_given_back_with_its_attempt(
    deployment: Deployment, processes: str
) -> None:
    handle = hold_for_ever.enqueue()
    worker = deployment.worker("--processes", processes, DRAIN=0.2)
    process = the_process_that(deployment, "hold")

    worker.send(signal.SIGTERM)

    assert worker.status() == 0, worker.output
    row = Job.objects.get(pk=handle.id)
    assert (row.state, row.attempt, row.rescues) == (JobState.READY, 0, 0)
    assert not is_running(process)
