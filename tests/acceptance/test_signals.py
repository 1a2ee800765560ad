"""A worker that is told to stop."""

import signal
from time import monotonic

import pytest
from django.db import connection, transaction

from django_jobqueue import JobState
from django_jobqueue.core.states import WorkerState
from django_jobqueue.models import ArchivedJob, Job, WorkerRecord

from .jobs import hang, wait_async, wait_for, work
from .processes import PATIENCE, QUICK, Deployment, within

pytestmark = pytest.mark.acceptance


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_the_running_job_is_finished_and_nothing_new_begins(
    deployment: Deployment, number: signal.Signals
) -> None:
    gate = deployment.folder / "gate"
    running = wait_for.enqueue(str(gate))
    worker = deployment.worker("--concurrency", "1")
    assert deployment.has_noted("start waiting")
    waiting = work.enqueue(1)

    worker.send(number)
    assert worker.says("worker.draining")
    registered = WorkerRecord.objects.all()
    gate.touch()

    assert worker.status() == 0, worker.output
    assert running.refresh().state == JobState.SUCCEEDED
    assert (waiting.refresh().state, waiting.snapshot.attempt) == (JobState.READY, 0)
    assert registered.get().state == WorkerState.STOPPED
    assert "Traceback" not in worker.output


def test_what_does_not_end_in_time_is_given_back_with_its_attempt(deployment: Deployment) -> None:
    sync = wait_for.enqueue("/nowhere/at/all")
    asynchronous = wait_async.enqueue()
    worker = deployment.worker(DRAIN=0.2)
    assert deployment.has_noted("start waiting", "start async")

    worker.send(signal.SIGTERM)
    began = monotonic()

    assert worker.status() == 0, worker.output
    assert monotonic() - began < 0.2 + 5
    for handle in (sync, asynchronous):
        row = Job.objects.get(pk=handle.id)
        assert (row.state, row.attempt, row.rescues) == (JobState.READY, 0, 0)


@pytest.mark.parametrize("processes", ["0", "1"])
def test_of_ten_that_run_three_end_in_time_and_seven_may_run_at_once_elsewhere(
    deployment: Deployment, processes: str
) -> None:
    gates = [deployment.folder / f"gate-{number}" for number in range(10)]
    handles = [wait_for.enqueue(str(gate)) for gate in gates]
    worker = deployment.worker("--processes", processes, "--concurrency", "10", DRAIN=3)
    assert within(PATIENCE, lambda: deployment.journal.count("start waiting") == 10)

    worker.send(signal.SIGTERM)
    assert worker.says("worker.draining")
    for gate in gates[:3]:
        gate.touch()

    assert worker.status() == 0, worker.output
    finished = ArchivedJob.objects.filter(state=JobState.SUCCEEDED)
    assert set(finished.values_list("pk", flat=True)) == {one.id for one in handles[:3]}
    left = Job.objects.values_list("pk", "state", "attempt", "rescues", "claim_token")
    assert set(left) == {(one.id, JobState.READY, 0, 0, None) for one in handles[3:]}

    for gate in gates:
        gate.touch()
    assert deployment.run("runjobs", "--until-empty").status() == 0
    assert set(finished.values_list("attempt", flat=True)) == {1}
    assert finished.count() == 10


def test_a_handler_that_nothing_can_end_does_not_keep_the_process(deployment: Deployment) -> None:
    handle = hang.enqueue()
    worker = deployment.worker(DRAIN=0.2)
    assert deployment.has_noted("start hanging")

    worker.send(signal.SIGTERM)

    assert worker.status(timeout=0.2 + 5) == 0, worker.output
    assert "were given up" in worker.output
    row = Job.objects.get(pk=handle.id)
    assert (row.state, row.attempt) == (JobState.READY, 0)


@pytest.mark.postgresql
def test_nor_does_it_where_a_task_did_not_end_either_and_the_status_says_so(
    deployment: Deployment,
) -> None:
    hang.enqueue()
    worker = deployment.worker("--processes", "0", DRAIN=0.2)
    assert deployment.has_noted("start hanging")

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE jobqueue_job")
        worker.send(signal.SIGTERM)

        assert worker.status(timeout=0.2 + 8) == 1, worker.output
    assert "were given up" in worker.output
    assert "did not stop within" in worker.output


def test_a_second_signal_gives_everything_back_at_once(deployment: Deployment) -> None:
    handle = wait_for.enqueue("/nowhere/at/all")
    worker = deployment.worker(DRAIN=60)
    assert deployment.has_noted("start waiting")

    worker.send(signal.SIGTERM)
    assert worker.says("worker.draining")
    stopped_claiming = work.enqueue(1)
    assert not within(0.5, lambda: "start 1" in deployment.journal)
    began = monotonic()
    worker.send(signal.SIGINT)

    assert worker.status() == 0, worker.output
    assert monotonic() - began < 2
    row = Job.objects.get(pk=handle.id)
    assert (row.state, row.attempt) == (JobState.READY, 0)
    assert stopped_claiming.refresh().state == JobState.READY


@pytest.mark.postgresql
@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_second_signal_waits_for_no_database(deployment: Deployment, processes: str) -> None:
    wait_for.enqueue("/nowhere/at/all")
    worker = deployment.worker("--processes", processes, DRAIN=60)
    assert deployment.has_noted("start waiting")
    worker.send(signal.SIGTERM)
    assert worker.says("worker.draining")

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE jobqueue_job, jobqueue_worker")
        began = monotonic()
        worker.send(signal.SIGINT)

        assert worker.status() == 1, worker.output
        assert monotonic() - began < 2
    assert "were given up" in worker.output


def test_a_signal_while_children_still_import_ends_it_at_once(deployment: Deployment) -> None:
    (deployment.folder / "hold").touch()
    worker = deployment.worker()
    assert deployment.has_noted("imports")

    worker.send(signal.SIGTERM)
    began = monotonic()

    assert worker.status() == 0, worker.output
    assert monotonic() - began < QUICK["DRAIN"] - 2, "it waited for what could not have begun"
    assert "child.ended" in worker.output


def test_an_operator_may_ask_it_to_stop(deployment: Deployment) -> None:
    from django_jobqueue.store import store_for

    worker = deployment.worker()
    registered = WorkerRecord.objects.all()
    assert within(PATIENCE, registered.exists)

    store_for("default").request_worker_stop(registered.get().pk)

    assert worker.status() == 0, worker.output
    assert registered.get().state == WorkerState.STOPPED
