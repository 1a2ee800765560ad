"""Times that are written are those of the write: the caller's transaction may be long."""

from datetime import datetime, timedelta

import pytest
from django.db import connection

from django_jobqueue.core.specs import AttemptReport, NewJob
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.models import ArchivedJob, AttemptRecord, DeadJob, Job, WorkerRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import LEASE, claim, claimed, finish, make_job, register_worker

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


def test_of_a_claim(store: JobStore, began: datetime) -> None:
    assert claimed(store).claimed_at > began


def test_of_a_promotion(store: JobStore, began: datetime) -> None:
    row = make_job(JobState.SCHEDULED, run_at=began - timedelta(seconds=1))
    store.promote()
    row.refresh_from_db()

    assert row.ready_at > began


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
