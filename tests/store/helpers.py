"""Rows that are legal for their state, and the few calls that most tests of a store begin with."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models.functions import Now

from django_jobqueue.core.specs import (
    ClaimedJob,
    FinishedJob,
    NewJob,
    Transition,
    WantedJobs,
    WorkerIdentity,
)
from django_jobqueue.core.states import ARCHIVED_STATES, JobState
from django_jobqueue.models import ArchivedJob, DeadJob, Job
from django_jobqueue.models.base import JobRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore
from tests.claims import a_claim

LEASE = timedelta(seconds=30)
#: Before any time that a database's clock tells while the tests run.
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
#: An id that no 32 bits hold.
BIG_ID = 2**31 + 7
HOSTILE_TEXTS = (
    "two\nlines\r\n",
    "\x1b[31mred\x1b[0m",
    "'; DROP TABLE jobqueue_job; --",
    'double "quotes" and \\ back\\slashes',
    "{a,b} %s %(now)s $1 $[0] ?",
    "all\\of\nthem\r\tat once",
    "emoji 🐍 and e\u0301",
    "NULL",
    "x" * 128,
)


def make_job(state: JobState = JobState.READY, **overrides: Any) -> JobRecord:
    """Store a row in the table of its state, with what a job in that state has."""
    fields: dict[str, Any] = {"handler": "tests.handler", "state": state.value}
    if state is JobState.SCHEDULED:
        fields["run_at"] = datetime(2100, 1, 1, tzinfo=UTC)
    if state is JobState.RUNNING or state.is_final:
        fields |= {"attempt": 1, "claim_token": uuid4(), "worker_id": uuid4(), "claimed_at": Now()}
    if state.is_final:
        fields["id"] = overrides.pop("id", None) or unused_id()
    model: type[JobRecord] = Job
    if state in ARCHIVED_STATES:
        model = ArchivedJob
    elif state is JobState.DEAD:
        model = DeadJob
    row = model._default_manager.create(**{**fields, **overrides})
    row.refresh_from_db()
    return row


def unused_id() -> int:
    """Take an id as the job table gives it."""
    row = Job.objects.create()
    job_id: int = row.pk
    row.delete()
    return job_id


def register_worker(
    store: JobStore | None = None, *, lease: timedelta = LEASE, worker_id: UUID | None = None
) -> UUID:
    worker = WorkerIdentity(
        id=worker_id or uuid4(),
        host="host",
        pid=4711,
        version="1.0",
        queues=("default",),
        handlers=("tests.handler",),
        concurrency=10,
    )
    (store or store_for("default")).register_worker(worker, lease=lease)
    return worker.id


def claim(
    store: JobStore, worker_id: UUID, *queues: str | WantedJobs, total: int = 100, **options: Any
) -> list[ClaimedJob]:
    """Claim from the queues, `default` if none is named, under a new token."""
    wanted = [
        queue if isinstance(queue, WantedJobs) else WantedJobs(queue, total)
        for queue in queues or ("default",)
    ]
    return store.claim(
        worker_id=worker_id,
        token=options.pop("token", uuid4()),
        wanted=wanted,
        total=total,
        **options,
    )


def quarantine_of(store: JobStore) -> JobStore:
    """The store of a quarantine child, on the connection and in the transaction of the test."""
    return type(store)(store.using, suspects=True)


def claimed(store: JobStore, worker_id: UUID | None = None, **fields: Any) -> ClaimedJob:
    """Enqueue a job and claim it; its queue is its own, so that nothing else is taken."""
    queue = fields.pop("queue", f"queue-{uuid4().hex}")
    store.insert(NewJob(handler="tests.handler", queue=queue, **fields))
    [job] = claim(store, worker_id or register_worker(store), queue, total=1)
    return job


def claim_of(row: JobRecord) -> ClaimedJob:
    """The claim under which a running row runs, as its worker has it."""
    names = ("id", "queue", "handler", "priority", "attempt", "max_attempts", "reprocess_count")
    facts = {name: getattr(row, name) for name in (*names, "rescues", "ready_at", "created_at")}
    return a_claim(
        **facts,
        payload="{}",
        claim_token=row.claim_token or uuid4(),
        worker_id=row.worker_id or uuid4(),
    )


def finish(store: JobStore, job: ClaimedJob, state: JobState, **facts: Any) -> bool:
    """Write one transition; say whether the claim held."""
    attempted_at = facts.pop("attempted_at", None)
    done = FinishedJob(job, Transition(state=state, **facts), attempted_at)
    return store.finish_many([done]) == {job.id}


def without_indexes() -> None:
    """On PostgreSQL, have tables read as they lie until the transaction of the test ends, so that
    no order is the gift of an index, nor of a sort that was made for something else.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for way in ("indexscan", "indexonlyscan", "bitmapscan", "sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")


def ids_of(rows: Iterable[Any]) -> list[int]:
    return [row.id for row in rows]
