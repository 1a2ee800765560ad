"""A job process and the lease of its worker: told of the doubt, killed before the end."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.errors import LeaseLost
from django_jobqueue.core.specs import ClaimedJob, Transition
from django_jobqueue.core.states import JobState
from django_jobqueue.jobs.enqueueing import enqueuer_of
from django_jobqueue.jobs.registry import registry
from django_jobqueue.store import store_for
from django_jobqueue.worker.hands import HeldJob
from django_jobqueue.worker.isolation import Isolation
from django_jobqueue.worker.job_processes import Gone, JobProcess, JobProcesses
from django_jobqueue.worker.membership import Membership
from django_jobqueue.worker.messages import Beat, Began, Logged, Ready, Setup
from django_jobqueue.worker.options import Recycling
from tests.acceptance import isolated_jobs as jobs
from tests.store.helpers import claim, register_worker

from .apart import PATIENCE, Apart
from .site import COMMITTED, within

pytestmark = COMMITTED

LEASE = timedelta(seconds=20)
#: A heartbeat this long ago is well, but not for long.
OLD = 15.0


@contextmanager
def job_processes(apart: Apart, **options: float) -> Iterator[JobProcesses]:
    it = JobProcesses(lease=LEASE, recycling=Recycling(), events=apart.bus, **options)
    try:
        yield it
    finally:
        it.stop()


@pytest.fixture
def processes(apart: Apart) -> Iterator[JobProcesses]:
    with job_processes(apart) as it:
        yield it


@pytest.fixture
def membership() -> Membership:
    return Membership(lease=LEASE)


@pytest.fixture
def isolation(apart: Apart, processes: JobProcesses, membership: Membership) -> Isolation:
    """Of a worker whose last heartbeat was a while ago."""
    warm(processes)
    membership.renewed(membership.moment() - OLD)
    return Isolation(
        processes, membership=membership, lease=LEASE, grace=PATIENCE, events=apart.bus
    )


def warm(processes: JobProcesses) -> JobProcess:
    """Have one process that is ready."""
    process = processes.take()
    assert isinstance(process.hear(PATIENCE), Ready)
    processes.give(process)
    return process


def claimed(handler: object, *arguments: object) -> ClaimedJob:
    enqueuer_of(handler).enqueue(*arguments)
    store = store_for("default")
    [job] = claim(store, register_worker(store))
    return job


def held(handler: object, *arguments: object) -> HeldJob:
    job = claimed(handler, *arguments)
    return HeldJob(job, registry.get(job.handler))


def test_one_that_listens_is_told_while_the_lease_is_in_doubt(
    apart: Apart, isolation: Isolation
) -> None:
    transition = isolation.run(held(jobs.listen))

    assert apart.noted("told") == ["lease lost"]
    assert (transition.state, transition.attempt_change) == (JobState.READY, -1)
    assert apart.told.of("job.killed") == []


def test_one_that_does_not_is_killed_before_the_lease_ends(
    apart: Apart, isolation: Isolation, membership: Membership
) -> None:
    with pytest.raises(LeaseLost):
        isolation.run(held(jobs.hold_for_ever))

    assert membership.renewed_at is not None
    assert membership.moment() - membership.renewed_at < LEASE.total_seconds()
    [process] = apart.noted("hold")
    assert not apart.is_running(process)


def test_one_goes_on_when_heartbeats_succeed_again(
    apart: Apart, isolation: Isolation, membership: Membership
) -> None:
    gate, answers = apart.folder / "gate", list[Transition]()
    job = held(jobs.wait_for, str(gate))
    runner = threading.Thread(target=lambda: answers.append(isolation.run(job)))
    runner.start()
    apart.noted("start")
    membership.renewed(membership.moment())
    runner.join(LEASE.total_seconds() - OLD)  # by then its process would have ended
    gate.touch()
    runner.join(PATIENCE)

    assert [answer.state for answer in answers] == [JobState.SUCCEEDED]


def test_it_ends_itself_where_its_worker_cannot(apart: Apart) -> None:
    setup = Setup(os.environ["DJANGO_SETTINGS_MODULE"], lease_seconds=4.0)
    process = JobProcess(setup, gone=lambda process, gone: None)
    assert isinstance(process.hear(PATIENCE), Ready)
    job = claimed(jobs.be_deaf)

    process.tell(Beat(job.worker_id, monotonic() - 2.5))
    process.run(job, handler=job.handler)

    assert process.hear(PATIENCE) == Began()
    assert process.hear(PATIENCE) == Logged("I hear nothing")
    assert process.hear(PATIENCE) == Gone(-signal.SIGALRM)
    assert process.wait(PATIENCE)


def test_that_is_no_fault_of_the_job(apart: Apart, isolation: Isolation) -> None:
    with pytest.raises(LeaseLost):
        isolation.run(held(jobs.end_by_alarm))


def test_one_that_nobody_needs_is_let_go(apart: Apart) -> None:
    with job_processes(apart, idle_seconds=0.1) as processes:
        process = warm(processes)

        assert within(PATIENCE, lambda: process.has_ended)
        assert processes.take() is not process


@pytest.mark.postgresql
@pytest.mark.parametrize("handler", [jobs.use_context, jobs.keep_connection])
def test_one_that_waits_for_a_job_holds_no_connection(
    isolation: Isolation, membership: Membership, handler: object
) -> None:
    membership.renewed(membership.moment())
    before = backends()

    isolation.run(held(handler))

    assert within(PATIENCE, lambda: backends() == before)


def backends() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
