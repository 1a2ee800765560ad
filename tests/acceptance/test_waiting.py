"""Waiting for jobs that run in other processes; and waiters that die, or sit behind a pooler."""

import signal
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from django_jobqueue import JobState
from django_jobqueue.core.specs import Retention
from django_jobqueue.jobs import lookout
from django_jobqueue.models import WaiterRecord
from django_jobqueue.store import store_for
from tests import pgbouncer
from tests.debian import needs
from tests.handlers import add
from tests.jobs.finishing import SUCCEEDED, finish_next
from tests.jobs.waits import lookout_threads, until

from .jobs import wait_for
from .processes import PATIENCE, Deployment, Process, url_of_the_suite

pytestmark = pytest.mark.acceptance

#: What another process waits for, and what it says then.
WAIT = """
from django_jobqueue import JobHandle
from tests.acceptance.jobs import note

note("waits")
note(f"over: {{JobHandle({job_id}).wait({patience}).state}}")
"""
WEEK = Retention(archive=timedelta(days=7), dead=timedelta(days=90))


def waiting_for(deployment: Deployment, job_id: int, **options: Any) -> Process:
    """A process that waits for the job."""
    code = WAIT.format(job_id=job_id, patience=PATIENCE)
    process = deployment.start("shell", "-c", code, **options)
    assert deployment.has_noted("waits"), process.output
    return process


def test_who_waits_is_told_by_the_worker_and_needs_no_look(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # After the first look there is no other.
    monkeypatch.setattr(lookout, "FIRST_PAUSE", 1_000.0)
    monkeypatch.setattr(lookout, "LONGEST_PAUSE", 1_000.0)
    gate = deployment.folder / "gate"
    handle = wait_for.enqueue(str(gate))
    worker = deployment.worker("--processes", "0")
    assert deployment.has_noted("start waiting"), worker.output

    with ThreadPoolExecutor(1) as pool:
        wait: Future[Any] = pool.submit(_on_its_own, handle)
        until(lambda: _has_looked(handle.id))
        gate.touch()

        assert wait.result(PATIENCE).state == JobState.SUCCEEDED


def _on_its_own(handle: Any) -> Any:
    try:
        return handle.wait(PATIENCE)
    finally:
        connections.close_all()


def _has_looked(job_id: int) -> bool:
    """Whether the lookout of this process has seen that the job lives."""
    latest = lookout.lookouts._latest
    return latest is not None and any(
        wait.job_id == job_id and wait.look_at for wait in tuple(latest._waits)
    )


@pytest.mark.postgresql
def test_what_a_waiter_leaves_that_is_killed_is_pruned_and_harms_nobody(
    deployment: Deployment,
) -> None:
    handle = add.enqueue(1)
    waiter = waiting_for(deployment, handle.id)
    until(WaiterRecord.objects.exists)
    waiter.send(signal.SIGKILL)
    waiter.status()
    assert WaiterRecord.objects.count() == 1

    finish_next(SUCCEEDED)

    assert handle.wait(0).state == JobState.SUCCEEDED
    store = store_for("default")
    store.prune(WEEK, now=store.database_now() + lookout.LEASE)
    assert not WaiterRecord.objects.exists()


@pytest.mark.postgresql
@needs("pgbouncer")
def test_behind_a_pooler_that_lets_no_notification_through_it_is_seen(
    deployment: Deployment,
) -> None:
    handle = add.enqueue(1)
    with pgbouncer.pgbouncer(url_of_the_suite()) as socket:
        behind_it = pgbouncer.url_behind(Path(socket), url_of_the_suite())
        waiter = waiting_for(deployment, handle.id, url=behind_it, PREPARED_STATEMENTS=False)
        until(WaiterRecord.objects.exists)
        finish_next(SUCCEEDED)

        assert deployment.has_noted("over: succeeded"), waiter.output
        assert waiter.status() == 0
    assert not WaiterRecord.objects.exists()


def test_several_processes_may_wait_for_one_job(deployment: Deployment) -> None:
    handle = add.enqueue(1)
    waiters = [waiting_for(deployment, handle.id) for _ in range(2)]

    finish_next(SUCCEEDED)

    assert [waiter.status() for waiter in waiters] == [0, 0]
    assert deployment.journal.count("over: succeeded") == 2
    assert connection.vendor == "sqlite" or not WaiterRecord.objects.exists()
    assert not lookout_threads()
