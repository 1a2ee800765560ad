"""Children of a worker that die, are replaced, or lose their supervisor."""

import os
import signal

import pytest
from django.db import connection

from django_jobqueue import DeathReason, JobState
from django_jobqueue.core.states import WorkerState
from django_jobqueue.models import ArchivedJob, DeadJob, Job, WorkerRecord
from django_jobqueue.worker.quarantine import QUARANTINE

from .jobs import crash, tell_process, wait_for, work
from .processes import PATIENCE, Deployment, within

pytestmark = [pytest.mark.acceptance, pytest.mark.usefixtures("no_child_is_left")]

#: Nothing below may wait for a lease to run out.
LONG_LEASE = {"LEASE": 3600, "HEARTBEAT_INTERVAL": 0.5}
#: A job that kills its process waits for an interpreter each time, on a machine that is busy.
SEVERAL_PROCESSES = 2 * PATIENCE


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_a_killed_child_ran_is_run_again_without_waiting_for_its_lease(
    deployment: Deployment,
) -> None:
    gate = deployment.folder / "gate"
    handle = wait_for.enqueue(str(gate))
    worker = deployment.worker("--concurrency", "1", **LONG_LEASE)
    assert deployment.has_noted("start waiting")
    [victim] = worker.children

    os.kill(victim, signal.SIGKILL)
    assert within(PATIENCE, lambda: deployment.journal.count("start waiting") == 2)
    gate.touch()

    assert handle.wait(PATIENCE).state == JobState.SUCCEEDED
    assert (handle.snapshot.attempt, handle.snapshot.rescues) == (1, 1)
    [attempt] = handle.refresh().attempts
    assert (attempt.outcome, attempt.message) == ("rescued", "killed by SIGKILL")
    dead = WorkerRecord.objects.get(pid=victim)
    assert dead.state == WorkerState.DEAD
    assert len(worker.children) == 3, "one in its place, and one in quarantine"


def test_only_the_job_that_kills_its_process_is_blamed(deployment: Deployment) -> None:
    # All that waits beside it has been claimed, or even runs, when the process dies.
    good = work.enqueue_many([{"number": number, "seconds": 0.01} for number in range(50)])
    guilty = crash.enqueue()
    good += work.enqueue_many([{"number": number, "seconds": 0.01} for number in range(50, 100)])

    worker = deployment.worker(**LONG_LEASE)

    assert guilty.wait(SEVERAL_PROCESSES).state == JobState.DEAD
    assert within(PATIENCE, lambda: not Job.objects.exists()), worker.output
    assert [row.pk for row in DeadJob.objects.all()] == [guilty.id]
    assert guilty.snapshot.reason == DeathReason.POISON
    assert "SIGSEGV" in str(guilty.error)
    assert len([line for line in deployment.journal if line.startswith("crash")]) == 3
    assert set(ArchivedJob.objects.values_list("pk", "attempt")) == {(job.id, 1) for job in good}


def test_suspects_are_run_by_a_worker_of_one_process_too(deployment: Deployment) -> None:
    guilty = crash.enqueue()
    assert deployment.worker("--processes", "0").status() == -signal.SIGSEGV

    survivor = deployment.worker("--processes", "0")

    assert guilty.wait(SEVERAL_PROCESSES).state == JobState.DEAD
    assert guilty.snapshot.reason == DeathReason.POISON
    assert len(survivor.children) == 3, "two that died of it, and one that buried it"
    assert not survivor.has_ended


def test_until_empty_leaves_no_suspects_behind(deployment: Deployment) -> None:
    suspect, other = work.enqueue(1), work.enqueue(2)
    Job.objects.filter(pk=suspect.id).update(rescues=1)

    worker = deployment.run("runjobs", "--until-empty")

    assert worker.status() == 0, worker.output
    assert not Job.objects.exists()
    assert ArchivedJob.objects.filter(pk__in=[suspect.id, other.id]).count() == 2
    assert [name for name, _ in worker.named_children] == [QUARANTINE]


def test_suspects_of_the_next_death_find_the_quarantine_where_it_was(
    deployment: Deployment,
) -> None:
    worker = deployment.worker(**LONG_LEASE)
    for number in (1, 2):
        handle = work.enqueue(number)
        Job.objects.filter(pk=handle.id).update(rescues=1)
        assert handle.wait(PATIENCE).state == JobState.SUCCEEDED

    assert [name for name, _ in worker.named_children] == ["1", QUARANTINE]


@pytest.mark.postgresql
def test_an_idle_worker_with_its_quarantine_keeps_few_connections(deployment: Deployment) -> None:
    suspect = work.enqueue(1)
    Job.objects.filter(pk=suspect.id).update(rescues=1)
    worker = deployment.worker("--processes", "4", "--concurrency", "10")
    assert suspect.wait(3 * PATIENCE).state == JobState.SUCCEEDED
    assert within(PATIENCE, lambda: WorkerRecord.objects.filter(state="alive").count() == 5)

    few = connections_of_others()
    assert within(PATIENCE, lambda: connections_of_others() <= 12), f"{few}: {worker.output}"
    [quarantine] = [pid for name, pid in worker.named_children if name == QUARANTINE]
    assert is_running(quarantine)


def connections_of_others() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        [(count,)] = cursor.fetchall()
    return int(count)


def test_children_do_not_outlive_their_supervisor(deployment: Deployment) -> None:
    handle = wait_for.enqueue("/nowhere/at/all")
    worker = deployment.worker("--processes", "2", "--concurrency", "1")
    assert deployment.has_noted("start waiting")
    assert within(PATIENCE, lambda: len(worker.children) == 2)

    worker.kill()

    assert within(PATIENCE, lambda: not any(map(is_running, worker.children)))
    row = Job.objects.get(pk=handle.id)
    assert (row.state, row.attempt, row.rescues) == (JobState.READY, 0, 0), "it was given back"


def test_a_child_that_has_run_its_share_of_jobs_is_replaced_between_them(
    deployment: Deployment,
) -> None:
    handles = tell_process.enqueue_many([{"number": number} for number in range(200)])

    worker = deployment.worker("--max-jobs", "20", "--concurrency", "1", **LONG_LEASE)

    assert within(PATIENCE, lambda: len(worker.children) >= 2), worker.output
    assert within(PATIENCE, lambda: not Job.objects.exists()), worker.output
    assert {row.attempt for row in ArchivedJob.objects.all()} == {1}
    assert len(handles) == ArchivedJob.objects.count()
    assert "child.retires" in worker.output
    assert "child.died" not in worker.output


def test_the_end_of_the_worker_is_the_end_of_its_children(deployment: Deployment) -> None:
    worker = deployment.worker("--processes", "2")
    assert within(PATIENCE, lambda: WorkerRecord.objects.filter(state="alive").count() == 2)

    worker.send(signal.SIGTERM)

    assert worker.status() == 0, worker.output
    assert not any(map(is_running, worker.children))
    assert set(WorkerRecord.objects.values_list("state", flat=True)) == {WorkerState.STOPPED}
