"""Interleavings of two connections, forced: what must wait waits, what must be passed over is
passed over.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection as django_connection

from django_jobqueue.core.limits import Limits
from django_jobqueue.core.specs import (
    FinishedJob,
    JobFilter,
    Transition,
    WantedJobs,
)
from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob, Job
from django_jobqueue.store import postgresql_workers
from django_jobqueue.store.postgresql import PostgreSQLStore
from django_jobqueue.store.sessions import PsycopgSession

from .helpers import claim, make_job, register_worker

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

LEASE = timedelta(seconds=30)
either_way = pytest.mark.parametrize(
    "limits", [None, Limits()], ids=["without limits", "within limits"]
)
#: Only a failing test waits that long.
PATIENCE = 10.0


class Side:
    """A store on a connection of its own, whose transaction the test may hold open."""

    def __init__(self) -> None:
        session = PsycopgSession("default")
        self.connection: psycopg.Connection[Any] = session.connection
        # What would block for ever must fail instead.
        self.connection.execute("SET statement_timeout = '5s'")
        self.pid = self.connection.info.backend_pid
        self.store = PostgreSQLStore("default", session=session)

    def fails_by_its_own_limit_only(self) -> None:
        """What would block for ever fails in another way than by the limit of the statement."""
        self.connection.execute("SET statement_timeout = 0")
        self.connection.execute("SET lock_timeout = '5s'")

    def claim(self, worker_id: UUID, limit: int, *, limits: Limits | None = None) -> list[Any]:
        wanted = [WantedJobs("default", limit)]
        return self.store.claim(
            worker_id=worker_id, token=uuid4(), wanted=wanted, total=limit, limits=limits
        )


@pytest.fixture
def sides() -> Iterator[tuple[Side, Side]]:
    mine, theirs = Side(), Side()
    yield mine, theirs
    mine.store.close()
    theirs.store.close()


def waits_for_a_lock(pid: int) -> None:
    """Return once the backend waits for a lock; the lock table is looked at, no time is guessed."""
    with django_connection.cursor() as cursor:
        for _ in range(20_000):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted", [pid])
            if cursor.fetchone()[0]:
                return
    raise AssertionError(f"backend {pid} waits for nothing")


@either_way
def test_a_claim_passes_over_rows_that_another_claim_holds(
    sides: tuple[Side, Side], limits: Limits | None
) -> None:
    mine, theirs = sides
    jobs = [make_job() for _ in range(4)]
    first, second = register_worker(), register_worker()
    with theirs.connection.transaction():
        held = theirs.claim(first, 2, limits=limits)
        taken = mine.claim(second, 4, limits=limits)

    assert {job.id for job in held} == {jobs[0].pk, jobs[1].pk}
    assert {job.id for job in taken} == {jobs[2].pk, jobs[3].pk}


@either_way
def test_a_claim_waits_for_the_reaper_and_then_takes_nothing(
    sides: tuple[Side, Side], limits: Limits | None
) -> None:
    mine, reaper = sides
    worker = register_worker(lease=timedelta(seconds=-1))
    make_job()
    answers: list[list[Any]] = []
    claimer = threading.Thread(target=lambda: answers.append(mine.claim(worker, 1, limits=limits)))
    with reaper.connection.transaction():
        reaper.connection.execute(
            "SELECT id FROM jobqueue_worker WHERE id = %s FOR UPDATE SKIP LOCKED", [worker]
        )
        claimer.start()
        waits_for_a_lock(mine.pid)
        reaper.connection.execute(
            "UPDATE jobqueue_worker SET state = 'dead' WHERE id = %s", [worker]
        )
    claimer.join()

    assert answers == [[]]
    assert Job.objects.get().state == JobState.READY


@either_way
def test_the_reaper_passes_over_a_worker_whose_claim_is_open(
    sides: tuple[Side, Side], limits: Limits | None
) -> None:
    worker_side, reaper = sides
    worker = register_worker(lease=timedelta(seconds=-1))
    make_job()
    with worker_side.connection.transaction():
        worker_side.claim(worker, 1, limits=limits)
        during = reaper.store.release_of_dead_workers()
    after = reaper.store.release_of_dead_workers()

    assert during == []
    assert [one.worker_id for one in after] == [worker]
    assert Job.objects.get().state == JobState.READY


def test_a_release_waits_for_the_last_claim_of_the_worker_and_takes_that_back_too(
    sides: tuple[Side, Side],
) -> None:
    worker_side, supervisor = sides
    worker = register_worker()
    job = make_job()
    answers: list[Any] = []
    releasing = threading.Thread(
        target=lambda: answers.append(
            supervisor.store.release_of_worker(worker, started=[], cause="killed by SIGKILL")
        )
    )
    with worker_side.connection.transaction():
        worker_side.claim(worker, 1)
        releasing.start()
        waits_for_a_lock(supervisor.pid)
    releasing.join()

    [released] = answers
    assert released.job_ids == (job.pk,)
    row = Job.objects.get()
    assert (row.state, row.attempt, row.rescues) == (JobState.READY, 0, 0)


def test_two_promoters_do_not_wait_for_each_other(sides: tuple[Side, Side]) -> None:
    mine, theirs = sides
    for _ in range(3):
        make_job(state=JobState.SCHEDULED, run_at=datetime(2020, 1, 1, tzinfo=UTC))
    with theirs.connection.transaction():
        first = theirs.store.promote(limit=2)
        second = mine.store.promote(limit=2)

    assert (first.count, second.count) == (2, 1)


@either_way
def test_a_heartbeat_passes_while_a_claim_is_open(
    sides: tuple[Side, Side], limits: Limits | None
) -> None:
    claiming, beating = sides
    worker = register_worker()
    make_job()
    with claiming.connection.transaction():
        claiming.claim(worker, 1, limits=limits)
        beat = beating.store.heartbeat(worker, lease=LEASE)

    assert beat.alive


@contextmanager
def the_row_of(worker: UUID, *, held_by: Side) -> Iterator[None]:
    """A lock that heartbeats wait for, and claims do not."""
    with held_by.connection.transaction():
        held_by.connection.execute("UPDATE jobqueue_worker SET pid = 0 WHERE id = %s", [worker])
        yield


def test_a_heartbeat_that_is_held_up_fails_and_releases_nothing_that_was_claimed_meanwhile(
    sides: tuple[Side, Side],
) -> None:
    beating, other = sides
    worker = register_worker()
    make_job()
    with ThreadPoolExecutor(1) as pool, the_row_of(worker, held_by=other):
        beat = pool.submit(
            beating.store.heartbeat,
            worker,
            lease=LEASE,
            reconcile_after=timedelta(seconds=1),
        )
        waits_for_a_lock(beating.pid)
        other.claim(worker, 1)
        with pytest.raises(psycopg.errors.QueryCanceled):
            beat.result(PATIENCE)

    assert beating.store.heartbeat(worker, lease=LEASE).alive
    assert Job.objects.get().state == JobState.RUNNING


def test_what_was_claimed_after_a_heartbeat_began_is_not_unknown_however_long_it_took(
    sides: tuple[Side, Side],
) -> None:
    beating, pump = sides
    worker = register_worker()
    make_job()
    make_job()
    with beating.connection.transaction():
        jobs = pump.claim(worker, 2)
        pump.store.cancel(JobFilter(ids=(jobs[0].id,)))
        beat = beating.store.heartbeat(worker, lease=LEASE, reconcile_after=timedelta(0))

    assert beat.cancel_requested == (jobs[0].id,)
    assert beat.released == ()


def test_a_good_bye_does_not_wait_for_ever(
    sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving, other = sides
    leaving.fails_by_its_own_limit_only()
    monkeypatch.setattr(postgresql_workers, "GOOD_BYE_LIMIT", timedelta(seconds=0.05))
    worker = register_worker()
    with (
        the_row_of(worker, held_by=other),
        pytest.raises(psycopg.errors.QueryCanceled),
    ):
        leaving.store.deregister_worker(worker)


def test_a_release_does_not_wait_for_ever(
    sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor, other = sides
    supervisor.fails_by_its_own_limit_only()
    monkeypatch.setattr(postgresql_workers, "GOOD_BYE_LIMIT", timedelta(seconds=0.05))
    worker = register_worker()
    with the_row_of(worker, held_by=other), pytest.raises(psycopg.errors.QueryCanceled):
        supervisor.store.release_of_worker(worker, started=[], cause="killed by SIGKILL")


def test_a_report_from_before_the_lease_was_lost_changes_nothing(sides: tuple[Side, Side]) -> None:
    paused, other = sides
    make_job()
    old, new = register_worker(lease=timedelta(seconds=-1)), register_worker()
    [before] = paused.claim(old, 1)
    other.store.release_of_dead_workers()
    [after] = claim(PostgreSQLStore("default", session=other.store.session, suspects=True), new)

    late = FinishedJob(before, Transition(state=JobState.SUCCEEDED, result='"late"'))
    assert paused.store.finish_many([late]) == set()

    row = Job.objects.get()
    assert (row.state, row.claim_token) == (JobState.RUNNING, after.claim_token)
    assert not ArchivedJob.objects.exists()


def test_of_two_finishes_of_one_claim_the_second_finds_nothing(sides: tuple[Side, Side]) -> None:
    mine, theirs = sides
    make_job()
    worker = register_worker()
    [job] = mine.claim(worker, 1)
    done = FinishedJob(job, Transition(state=JobState.SUCCEEDED))
    answers: list[set[int]] = []
    second = threading.Thread(target=lambda: answers.append(theirs.store.finish_many([done])))
    with mine.connection.transaction():
        assert mine.store.finish_many([done]) == {job.id}
        second.start()
        waits_for_a_lock(theirs.pid)
    second.join()

    assert answers == [set()]
    assert ArchivedJob.objects.count() == 1
