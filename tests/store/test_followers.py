"""What a job that ended means for each of those that wait for it, and for nobody else."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from django_jobqueue.core.specs import FinishedJob, NewJob, Transition
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.models import ArchivedJob, Job
from django_jobqueue.models.base import JobRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .chains import CANCEL_ERROR, DEAD, HOUR, chained, message_of, state_of, states
from .helpers import claim, finish, make_job, register_worker

pytestmark = pytest.mark.django_db

AT = datetime(2040, 5, 1, 12, 30, 15, 123_000, tzinfo=UTC)
#: A value of its own for each column that all jobs have, but why the job is cancelled.
FACTS: dict[str, Any] = {
    **dict.fromkeys(("run_at", "ready_at", "created_at", "claimed_at", "slot"), AT),
    **dict.fromkeys(("attempted_at", "deadline_at", "expires_at", "cancel_requested_at"), AT),
    **dict.fromkeys(("handler", "queue", "fingerprint", "unique_key", "unique_while"), "a"),
    **dict.fromkeys(("concurrency_key", "template", "schedule"), "b"),
    **{name: {"c": [1]} for name in ("payload", "backoff", "progress", "checkpoints", "meta")},
    **dict.fromkeys(("priority", "attempt", "max_attempts", "reprocess_count", "rescues"), 7),
    **dict.fromkeys(("batch_id", "requeued_from"), 8),
    **dict.fromkeys(("claim_token", "worker_id"), uuid4()),
    "timeout_seconds": 1.5,
    "result": "d",
    "tags": ["e"],
}
WAITED = "job {}, which it waited for, "


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def worker(store: JobStore) -> UUID:
    return register_worker(store)


def waiting_for(job_id: int, **facts: Any) -> int:
    return make_job(JobState.BLOCKED, waits_for=job_id, **facts).pk


class TestOthers:
    def test_that_live_are_waited_for_as_before(self, store: JobStore) -> None:
        ids = chained(store, on_failure="hold")

        assert store.follow(ids) == []
        assert states(store, ids) == [JobState.READY, JobState.BLOCKED, JobState.BLOCKED]

    @pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.DEAD])
    def test_that_wait_for_what_nobody_asks_about_go_on_waiting(
        self, store: JobStore, state: JobState
    ) -> None:
        asked, other = make_job(state), make_job(state)
        mine, theirs = waiting_for(asked.pk), waiting_for(other.pk)

        assert [one.id for one in store.follow([asked.pk])] == [mine]
        assert state_of(store, theirs) is JobState.BLOCKED

    @pytest.mark.parametrize("state", [JobState.READY, JobState.SCHEDULED, JobState.RUNNING])
    @pytest.mark.parametrize("end", [JobState.SUCCEEDED, JobState.DEAD])
    def test_that_wait_no_more_are_left_alone(
        self, store: JobStore, state: JobState, end: JobState
    ) -> None:
        ended = make_job(end)
        gone_on = make_job(state, waits_for=ended.pk)
        before = Job.objects.values().get(pk=gone_on.pk)

        assert store.follow([ended.pk]) == []
        assert Job.objects.values().get(pk=gone_on.pk) == before

    @pytest.mark.parametrize(
        "facts",
        [
            {"state": JobState.RUNNING},
            {"state": JobState.READY},
            {"state": JobState.BLOCKED, "blocked_by": "key:k"},
            {"state": JobState.BLOCKED, "on_failure": "hold"},
        ],
        ids=["it runs", "it is ready", "a limit blocks it", "it holds"],
    )
    def test_further_on_are_cancelled_only_if_they_wait_for_that(
        self, store: JobStore, facts: dict[str, Any]
    ) -> None:
        dead = make_job(JobState.DEAD)
        unwanted = waiting_for(dead.pk)
        further = make_job(**facts, waits_for=unwanted)

        assert [one.id for one in store.follow([dead.pk])] == [unwanted]
        assert state_of(store, further.pk) is facts["state"]

    def test_make_no_difference_to_what_is_told(self, store: JobStore) -> None:
        cancelled = make_job(JobState.CANCELLED)
        for state in (JobState.SUCCEEDED, JobState.CANCELLED, JobState.DEAD):
            make_job(state, error={"type": "Cancel", "message": "of somebody else"})
        waiting = waiting_for(cancelled.pk)
        gone = waiting_for(2**40, on_failure="hold")

        store.follow([cancelled.pk, 2**40])

        assert message_of(waiting) == f"{WAITED.format(cancelled.pk)}was cancelled"
        assert message_of(gone) == f"{WAITED.format(2**40)}is gone"


class TestGoingOn:
    def test_each_has_the_result_of_its_own(self, store: JobStore, worker: UUID) -> None:
        links = [NewJob(handler="a"), NewJob(handler="b", result_as="page")]
        chains = [store.insert_chain(links) for _ in range(3)]
        done = [
            FinishedJob(job, Transition(state=JobState.SUCCEEDED, result=f'"of {job.id}"'))
            for job in claim(store, worker)
        ]

        assert len(store.finish_many(done)) == 3

        for first, second in chains:
            payload = Job.objects.get(pk=second.id).payload
            assert payload["kwargs"] == {"page": f"of {first.id}"}

    @pytest.mark.parametrize(
        ("moment", "state"), [(AT - HOUR, JobState.SCHEDULED), (AT, JobState.READY)]
    )
    def test_a_time_that_has_come_is_waited_for_no_more(
        self, store: JobStore, moment: datetime, state: JobState
    ) -> None:
        ended = make_job(JobState.SUCCEEDED)
        waiting = waiting_for(ended.pk, run_at=AT, ready_at=AT - 2 * HOUR)

        [followed] = store.follow([ended.pk], now=moment)

        row = Job.objects.get(pk=waiting)
        assert (followed.state, row.state, row.ready_at, row.run_at) == (state, state, moment, AT)

    def test_several_wait_for_one(self, store: JobStore) -> None:
        ended = make_job(JobState.SUCCEEDED)
        waiting = [waiting_for(ended.pk) for _ in range(3)]

        assert sorted(one.id for one in store.follow([ended.pk])) == waiting

    def test_who_asks_is_told_what_they_are(self, store: JobStore) -> None:
        succeeded, dead = make_job(JobState.SUCCEEDED), make_job(JobState.DEAD)
        facts = {"handler": "tests.next", "queue": "mail", "batch_id": 7}
        ids = {waiting_for(one.pk, **facts) for one in (succeeded, dead)}

        told = store.follow([succeeded.pk, dead.pk])

        assert {one.id for one in told} == ids
        assert {(one.handler, one.queue, one.batch_id) for one in told} == {
            ("tests.next", "mail", 7)
        }
        assert {one.state for one in told} == {JobState.READY, JobState.CANCELLED}


class TestCancelled:
    @pytest.mark.parametrize(
        ("end", "told"),
        [
            ({"state": JobState.CANCELLED, "error": '{"type":"Cancel","message":""}'}, ""),
            ({"state": JobState.CANCELLED, "error": '{"type":"Cancel"}'}, ""),
            ({"state": JobState.CANCELLED, "error": '{"type":"E","message":"secret"}'}, ""),
            ({"state": JobState.DEAD, "error": None}, "discarded"),
            ({"state": JobState.DEAD, "error": '{"type":"E","message":""}'}, "discarded"),
            ({"state": JobState.DEAD, "error": '{"type":"E","message":"m"}'}, "discarded: m"),
        ],
    )
    def test_the_reason_is_told_as_far_as_there_is_one(
        self, store: JobStore, worker: UUID, end: dict[str, Any], told: str
    ) -> None:
        first, second = chained(store, 2)
        [job] = claim(store, worker)
        reason = DeathReason.DISCARDED if end["state"] is JobState.DEAD else None

        finish(store, job, **end, reason=reason)

        what = f"is dead, {told}" if reason else "was cancelled"
        assert message_of(second) == WAITED.format(first) + what

    def test_each_is_told_its_own_reason(self, store: JobStore, worker: UUID) -> None:
        chains = [chained(store) for _ in range(2)]
        ends: list[dict[str, Any]] = [DEAD, {"state": JobState.CANCELLED, "error": CANCEL_ERROR}]
        jobs = sorted(claim(store, worker), key=lambda job: job.id)
        store.finish_many(
            [FinishedJob(job, Transition(**end)) for job, end in zip(jobs, ends, strict=True)]
        )

        told = ["is dead, discarded: no such page", "was cancelled: no need"]
        for (first, *rest), what in zip(chains, told, strict=True):
            assert [message_of(one) for one in rest] == [WAITED.format(first) + what] * 2

    def test_the_record_is_the_job(self, store: JobStore) -> None:
        dead = make_job(JobState.DEAD)
        waiting = waiting_for(dead.pk, **FACTS)
        before = store.database_now()

        store.follow([dead.pk])

        record = ArchivedJob.objects.get(pk=waiting)
        columns = {field.attname for field in JobRecord._meta.fields} - {"waits_for", "error"}
        assert FACTS.keys() == columns
        assert {name: getattr(record, name) for name in columns} == FACTS
        assert (record.state, record.waits_for) == (JobState.CANCELLED, dead.pk)
        assert before - HOUR < record.finished_at < before + HOUR
