"""Times that are written are those of the write: the caller's transaction may be long."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection

from django_jobqueue.core.batches import NewBatch
from django_jobqueue.core.limits import Limit, Limits
from django_jobqueue.core.specs import AttemptReport, NewJob
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.models import (
    ArchivedJob,
    AttemptRecord,
    BatchRecord,
    DeadJob,
    Job,
    LimitRecord,
    LineRecord,
    Schedule,
    WaiterRecord,
    WorkerRecord,
)
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import LEASE, claim, claimed, finish, make_job, register_worker
from .schedules import a_schedule

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]

FAILED = AttemptReport(outcome="failed", error_type="ValueError", message="no", traceback="tb")


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def began() -> datetime:
    """When the transaction of the test began, some statements ago."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT transaction_timestamp()")
        [began] = cursor.fetchone()
    return began


def test_of_an_enqueue(store: JobStore, began: datetime) -> None:
    store.insert(NewJob(handler="tests.handler", queue="default"))
    row = Job.objects.get()

    assert min(row.created_at, row.ready_at, row.run_at) > began


@pytest.mark.parametrize("keys", [(None, None), ("a", "b")])
def test_of_many_enqueues(
    store: JobStore, began: datetime, keys: tuple[str | None, str | None]
) -> None:
    store.insert_many([NewJob(handler="tests.handler", unique_key=key) for key in keys])

    for row in Job.objects.all():
        assert min(row.created_at, row.ready_at, row.run_at) > began


def test_of_the_end_of_a_batch(store: JobStore, began: datetime) -> None:
    store.insert_batch(NewBatch(), [])
    finished_at = BatchRecord.objects.get().finished_at

    assert finished_at is not None
    assert finished_at > began


def test_of_those_that_wait_for_a_job(store: JobStore, began: datetime) -> None:
    succeeded, dead = make_job(JobState.SUCCEEDED), make_job(JobState.DEAD)
    next_one = make_job(JobState.BLOCKED, waits_for=succeeded.pk, ready_at=began)
    unwanted = make_job(JobState.BLOCKED, waits_for=dead.pk)
    store.follow([succeeded.pk, dead.pk])

    assert Job.objects.get(pk=next_one.pk).ready_at > began
    assert ArchivedJob.objects.get(pk=unwanted.pk).finished_at > began


def test_of_who_waits(store: JobStore, began: datetime) -> None:
    store.keep_waiters(uuid4(), [7], lease=LEASE)

    assert WaiterRecord.objects.get().lease_expires_at > began + LEASE


def test_of_a_claim(store: JobStore, began: datetime) -> None:
    assert claimed(store).claimed_at > began


def test_of_a_permit(store: JobStore, began: datetime) -> None:
    make_job()
    limits = Limits(queues={"default": Limit(rate="1/h")})
    assert len(claim(store, register_worker(store), limits=limits)) == 1
    next_at = LimitRecord.objects.get().next_at

    assert next_at is not None
    assert next_at > began + timedelta(hours=1)


def test_of_a_promotion(store: JobStore, began: datetime) -> None:
    row = make_job(JobState.SCHEDULED, run_at=began - timedelta(seconds=1))
    store.promote()
    row.refresh_from_db()

    assert row.ready_at > began


@pytest.mark.parametrize("is_anew", [True, False])
def test_of_a_look_at_what_is_due_later(store: JobStore, began: datetime, is_anew: bool) -> None:
    later = began + timedelta(hours=1)
    make_job(JobState.SCHEDULED, run_at=later)
    store.save_schedule(a_schedule())
    Schedule.objects.update(next_slot=later)
    found = store.due(since=None if is_anew else began)

    for seconds in (
        found.scheduled_seconds,
        found.slot_seconds,
        store.promote().next_due_seconds,
    ):
        assert seconds is not None
        assert 0 < seconds < 3600


def test_of_a_line(store: JobStore, began: datetime) -> None:
    first, second = uuid4(), uuid4()
    assert store.hold_line("api", first, holder="host:1", lease=timedelta(0))
    assert store.hold_line("api", second, holder="host:2", lease=LEASE), "the lease is over"
    held = LineRecord.objects.get()
    assert held.acquired_at > began
    assert held.lease_expires_at > began + LEASE
    assert store.renew_lines([second], lease=LEASE) == {second}

    assert LineRecord.objects.get().lease_expires_at > held.lease_expires_at


@pytest.mark.parametrize("verb", ["deregister_worker", "release_of_worker"])
def test_of_the_end_of_a_worker(store: JobStore, began: datetime, verb: str) -> None:
    worker = register_worker(store)
    row = WorkerRecord.objects.get()
    assert min(row.started_at, row.heartbeat_at) > began
    if verb == "deregister_worker":
        store.deregister_worker(worker)
    else:
        store.release_of_worker(worker, started=None, cause="killed by SIGKILL")

    row.refresh_from_db()
    assert row.ended_at is not None
    assert row.ended_at > began


def test_of_a_heartbeat(store: JobStore, began: datetime) -> None:
    worker = register_worker(store)
    registered = WorkerRecord.objects.get()
    store.heartbeat(worker, lease=LEASE)
    row = WorkerRecord.objects.get()

    assert row.heartbeat_at > registered.heartbeat_at
    assert row.lease_expires_at > registered.lease_expires_at > began + LEASE


@pytest.mark.parametrize("in_hand", [[], [(1, uuid4())]], ids=["idle", "busy"])
def test_but_a_heartbeat_has_looked_up_to_what_was_old_when_its_transaction_began(
    store: JobStore, began: datetime, in_hand: list[tuple[int, UUID]]
) -> None:
    worker = register_worker(store)
    after = timedelta(seconds=10)
    beat = store.heartbeat(worker, lease=LEASE, in_hand=in_hand.copy, reconcile_after=after)

    assert beat.up_to is not None
    assert beat.up_to <= began - after


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.DEAD, JobState.READY], ids=str)
def test_of_a_finish(store: JobStore, began: datetime, state: JobState) -> None:
    reason = DeathReason.DISCARDED if state is JobState.DEAD else None
    job = claimed(store)
    finish(store, job, state, reason=reason, report=FAILED)

    assert AttemptRecord.objects.get().ended_at > began
    tables = {JobState.SUCCEEDED: ArchivedJob, JobState.DEAD: DeadJob}
    if state is JobState.READY:
        assert Job.objects.get().ready_at > began
    else:
        assert tables[state].objects.get().finished_at > began


def test_of_a_rescue(store: JobStore, began: datetime) -> None:
    worker = register_worker(store)
    make_job(queue="q")
    claim(store, worker, "q")
    store.release_of_worker(worker, started=None, cause="killed by SIGKILL")

    assert Job.objects.get().ready_at > began
