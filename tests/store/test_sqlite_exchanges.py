"""What one exchange costs on SQLite: as many statements for one job as for many, each of them with
one row to give, because the driver lets go of the interpreter at every row.
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_jobqueue.core.specs import (
    AttemptReport,
    ClaimedJob,
    FinishedJob,
    NewJob,
    Transition,
    WantedJobs,
)
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.models import ArchivedJob, Job
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore
from django_jobqueue.store.connected import ConnectedStore

from .helpers import claim, finish, register_worker

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]

AT = datetime(2026, 1, 1, tzinfo=UTC)
IN_ANOTHER_ZONE = datetime(2026, 1, 1, 5, 30, 1, 7, tzinfo=timezone(timedelta(hours=5.5)))
EDITS = (
    "UPDATE jobqueue_job SET fingerprint = x'6869', max_attempts = '7'",
    "UPDATE jobqueue_job SET batch_id = 'many' WHERE id = (SELECT MIN(id) FROM jobqueue_job)",
)


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def worker(store: JobStore) -> UUID:
    return register_worker(store)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each statement had to give."""
    counts: list[int] = []
    execute = ConnectedStore.execute

    def counting(self: ConnectedStore, text: str, parameters: Any) -> list[tuple[Any, ...]]:
        rows = execute(self, text, parameters)
        counts.append(len(rows))
        return rows

    monkeypatch.setattr(ConnectedStore, "execute", counting)
    return counts


def exchange(
    store: JobStore, worker: UUID, finished: list[ClaimedJob]
) -> tuple[set[int], list[ClaimedJob]]:
    done = [FinishedJob(job, Transition(state=JobState.SUCCEEDED), AT) for job in finished]
    return store.finish_and_claim(
        done, worker_id=worker, token=uuid4(), wanted=[WantedJobs("default", 99)], total=99
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [1, 40])
def test_an_exchange_is_so_many_statements_however_many_jobs(
    store: JobStore, worker: UUID, count: int, answers: list[int]
) -> None:
    store.insert_many([NewJob(handler="h")] * count)
    claimed = claim(store, worker)
    store.insert_many([NewJob(handler="h")] * count)
    answers.clear()

    with CaptureQueriesContext(connection) as sent:
        held, jobs = exchange(store, worker, claimed)

    assert len(held) == len(jobs) == count
    # The lock; drop, after the archive, which has no rows to give; facts, claim. And no savepoint.
    assert answers == [0, 0, 1, 0]
    assert len(sent) == len(["BEGIN", *answers, "archive", "COMMIT"])
    assert not [text for text in sent if "SAVEPOINT" in text["sql"]]


@pytest.mark.parametrize("total", [0, -1])
def test_an_exchange_without_room_claims_nothing(store: JobStore, worker: UUID, total: int) -> None:
    store.insert(NewJob(handler="h"))
    asked = {"wanted": [WantedJobs("default", 99)], "total": total}

    assert store.finish_and_claim([], worker_id=worker, token=uuid4(), **asked) == (set(), [])


def test_jobs_come_queue_by_queue_as_asked_and_each_queue_in_its_line(
    store: JobStore, worker: UUID
) -> None:
    for queue, priority in [("b", 0), ("a", 0), ("b", 5), ("a", 5), ("c", 9)]:
        store.insert(NewJob(handler="h", queue=queue, priority=priority))

    jobs = claim(store, worker, WantedJobs("b", 9), WantedJobs("a", 1), "c")

    assert [(job.queue, job.priority) for job in jobs] == [("b", 5), ("b", 0), ("a", 5), ("c", 9)]


def test_a_claim_answers_what_its_rows_hold_from_then_on(store: JobStore, worker: UUID) -> None:
    new = NewJob(
        handler="h",
        unique_key="key",
        unique_while="waiting",
        timeout_seconds=1.5,
        expires_at=datetime(2020, 1, 1, tzinfo=UTC),
        meta='{"a":"\\u2028"}',
    )
    store.insert(new)

    [job] = claim(store, worker)

    row = Job.objects.get()
    names = ("id", "queue", "handler", "priority", "attempt", "max_attempts", "timeout_seconds")
    times = ("claimed_at", "ready_at", "created_at")
    for name in (*names, *times, "unique_key", "claim_token", "worker_id", "batch_id"):
        assert getattr(job, name) == getattr(row, name), name
    assert (job.attempt, job.unique_key, job.is_expired, job.has_next) == (1, None, True, False)
    assert job.meta == new.meta


def test_a_value_of_another_type_keeps_no_neighbour_from_running(
    store: JobStore, worker: UUID
) -> None:
    store.insert_many([NewJob(handler="h")] * 2)
    with connection.cursor() as cursor:
        for edit in EDITS:
            cursor.execute(edit)

    edited, neighbour = claim(store, worker)

    assert (edited.batch_id, neighbour.batch_id) == ("many", None)
    assert (neighbour.fingerprint, neighbour.max_attempts) == ("hi", 7)
    assert neighbour.claimed_at == edited.claimed_at
    assert neighbour.ready_at.tzinfo is not None


def test_of_two_claims_of_one_job_only_the_later_is_written(store: JobStore, worker: UUID) -> None:
    store.insert(NewJob(handler="h"))
    [first] = claim(store, worker)
    assert finish(store, first, JobState.READY, keeps_place=True)
    [second] = claim(store, worker)

    done = [
        FinishedJob(first, Transition(state=JobState.CANCELLED)),
        FinishedJob(second, Transition(state=JobState.SUCCEEDED)),
    ]

    assert store.finish_many(done) == {second.id}
    record = ArchivedJob.objects.get()
    assert (record.state, record.claim_token) == (JobState.SUCCEEDED, second.claim_token)
    assert not Job.objects.exists()


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.DEAD, JobState.READY])
@pytest.mark.parametrize("began", [AT, AT.replace(microsecond=120), IN_ANOTHER_ZONE])
def test_when_a_run_began_is_told_exactly_whatever_became_of_it(
    store: JobStore, worker: UUID, state: JobState, began: datetime
) -> None:
    store.insert(NewJob(handler="h"))
    [job] = claim(store, worker)
    report = AttemptReport(outcome="failed")

    reason = DeathReason.EXHAUSTED if state is JobState.DEAD else None
    assert finish(store, job, state, reason=reason, report=report, attempted_at=began)

    found = store.find(job.id)
    assert found is not None
    assert found.attempted_at == began
    # As texts they compare with all other times.
    with connection.cursor() as cursor:
        cursor.execute("SELECT CAST(started_at AS TEXT) FROM jobqueue_attempt")
        assert cursor.fetchall() == [(str(began.astimezone(UTC).replace(tzinfo=None)),)]
