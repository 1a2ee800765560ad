"""Jobs that wait for others: what a finish, a cancellation, a discard and a sweep do about them."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_jobqueue.core.errors import UniqueConflict
from django_jobqueue.core.specs import (
    Cancelled,
    ClaimedJob,
    FinishedJob,
    JobFilter,
    NewJob,
    Transition,
)
from django_jobqueue.core.states import JobState
from django_jobqueue.models import Job, WorkerRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .chains import CANCEL_ERROR, DEAD, HOUR, chained, message_of, state_of, states
from .helpers import claim, finish, make_job, register_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def worker(store: JobStore) -> UUID:
    return register_worker(store)


class TestStoring:
    def test_all_but_the_first_are_blocked_by_the_one_before(self, store: JobStore) -> None:
        first, second, third = chained(store)

        rows = list(Job.objects.order_by("id").values_list("id", "state", "waits_for", "has_next"))
        assert rows == [
            (first, JobState.READY, None, True),
            (second, JobState.BLOCKED, first, True),
            (third, JobState.BLOCKED, second, False),
        ]

    def test_it_is_all_of_them_or_none(self, store: JobStore) -> None:
        holder = make_job(unique_key="taken")
        jobs = [NewJob(handler="a"), NewJob(handler="b", unique_key="taken", on_conflict="skip")]

        with pytest.raises(UniqueConflict):
            store.insert_chain(jobs)

        assert list(Job.objects.values_list("id", flat=True)) == [holder.pk]

    def test_only_the_first_is_claimed(self, store: JobStore, worker: UUID) -> None:
        first, *_ = chained(store)

        assert [job.id for job in claim(store, worker)] == [first]


class TestSuccess:
    def test_readies_the_next_and_no_other(self, store: JobStore, worker: UUID) -> None:
        ids = chained(store)
        [job] = claim(store, worker)

        assert finish(store, job, JobState.SUCCEEDED)

        assert states(store, ids) == [JobState.SUCCEEDED, JobState.READY, JobState.BLOCKED]
        assert [job.id for job in claim(store, worker)] == [ids[1]]

    def test_the_next_goes_to_the_back_of_the_line(self, store: JobStore, worker: UUID) -> None:
        now = store.database_now()
        links = [NewJob(handler="tests.handler")] * 2
        _, second = store.insert_chain(links, now=now - 2 * HOUR)
        [job] = claim(store, worker)
        other = make_job(ready_at=now - HOUR)
        finish(store, job, JobState.SUCCEEDED)

        assert [job.id for job in claim(store, worker)] == [other.pk, second.id]

    @pytest.mark.parametrize("result", ['[1.5,{"ä\\n":null}]', '"text"', "12345678901234567890"])
    def test_the_result_is_handed_on_exactly(
        self, store: JobStore, worker: UUID, result: str
    ) -> None:
        _, second = store.insert_chain(
            [
                NewJob(handler="a"),
                NewJob(handler="b", result_as="page", payload='{"args":[],"kwargs":{"x":1}}'),
            ]
        )
        [job] = claim(store, worker)
        finish(store, job, JobState.SUCCEEDED, result=result)

        payload = Job.objects.get(pk=second.id).payload
        assert payload == {"args": [], "kwargs": {"x": 1, "page": json.loads(result)}}

    def test_no_result_is_handed_on_as_null(self, store: JobStore, worker: UUID) -> None:
        _, second = store.insert_chain([NewJob(handler="a"), NewJob(handler="b", result_as="page")])
        [job] = claim(store, worker)
        finish(store, job, JobState.SUCCEEDED)

        assert Job.objects.get(pk=second.id).payload["kwargs"] == {"page": None}

    def test_a_payload_that_takes_no_argument_harms_nobody(
        self, store: JobStore, worker: UUID
    ) -> None:
        _, second = store.insert_chain([NewJob(handler="a"), NewJob(handler="b", result_as="page")])
        Job.objects.filter(pk=second.id).update(payload="edited by hand")
        [job] = claim(store, worker)

        assert finish(store, job, JobState.SUCCEEDED, result="1")
        assert state_of(store, second.id) is JobState.READY

    def test_a_next_of_the_future_is_scheduled_for_it(self, store: JobStore, worker: UUID) -> None:
        _, second = store.insert_chain([NewJob(handler="a"), NewJob(handler="b", delay=3600.0)])
        [job] = claim(store, worker)
        finish(store, job, JobState.SUCCEEDED)

        assert state_of(store, second.id) is JobState.SCHEDULED
        assert store.promote(now=store.database_now() + 2 * HOUR).count == 1

    def test_many_chains_end_a_link_in_one_batch(self, store: JobStore, worker: UUID) -> None:
        chains = [chained(store) for _ in range(20)]
        single = store.insert(NewJob(handler="tests.handler")).id
        jobs = claim(store, worker)
        done = [
            FinishedJob(job, Transition(**(DEAD if place % 2 else {"state": JobState.SUCCEEDED})))
            for place, job in enumerate(jobs)
        ]

        assert len(store.finish_many(done)) == 21

        assert state_of(store, single) is JobState.SUCCEEDED
        for place, (_, second, third) in enumerate(chains):
            gone = [JobState.CANCELLED, JobState.CANCELLED]
            assert states(store, [second, third]) == (
                gone if place % 2 else [JobState.READY, JobState.BLOCKED]
            )

    def test_a_finish_and_claim_follows_too(self, store: JobStore, worker: UUID) -> None:
        ids = chained(store)
        [job] = claim(store, worker)
        done = [FinishedJob(job, Transition(state=JobState.SUCCEEDED))]

        held, _ = store.finish_and_claim(
            done, worker_id=worker, token=job.claim_token, wanted=(), total=0
        )

        assert (held, state_of(store, ids[1])) == ({ids[0]}, JobState.READY)

    @pytest.mark.parametrize("state", [JobState.READY, JobState.SCHEDULED])
    def test_a_job_that_lives_on_lets_nobody_go_on(
        self, store: JobStore, worker: UUID, state: JobState
    ) -> None:
        ids = chained(store)
        [job] = claim(store, worker)
        finish(store, job, state, delay=60.0 if state is JobState.SCHEDULED else 0.0)

        assert states(store, ids) == [state, JobState.BLOCKED, JobState.BLOCKED]

    def test_a_late_report_lets_nobody_go_on(self, store: JobStore, worker: UUID) -> None:
        ids = chained(store, on_failure="hold")
        [job] = claim(store, worker)
        finish(store, job, **DEAD)

        assert not finish(store, job, JobState.SUCCEEDED)
        assert states(store, ids) == [JobState.DEAD, JobState.BLOCKED, JobState.BLOCKED]

    def test_a_finish_of_plain_jobs_asks_nobody(self, store: JobStore, worker: UUID) -> None:
        chained(store)
        make_job(queue="plain")
        [job] = claim(store, worker, "plain")

        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert finish(store, job, JobState.SUCCEEDED)

        assert not any("waits_for =" in query["sql"] for query in captured)
        assert not job.has_next


class TestFailure:
    @pytest.mark.parametrize(
        ("end", "told"),
        [
            (DEAD, "is dead, discarded: no such page"),
            ({"state": JobState.CANCELLED, "error": CANCEL_ERROR}, "was cancelled: no need"),
            ({"state": JobState.CANCELLED}, "was cancelled"),
        ],
    )
    def test_cancels_all_that_follow_with_the_reason(
        self, store: JobStore, worker: UUID, end: dict[str, Any], told: str
    ) -> None:
        first, *rest = chained(store, 4)
        [job] = claim(store, worker)

        assert finish(store, job, **end)

        assert set(states(store, rest)) == {JobState.CANCELLED}
        assert {message_of(one) for one in rest} == {f"job {first}, which it waited for, {told}"}
        assert not Job.objects.exists()

    def test_of_one_that_was_to_live_on_but_was_asked_to_stop(
        self, store: JobStore, worker: UUID
    ) -> None:
        ids = chained(store)
        [job] = claim(store, worker)
        store.cancel(JobFilter(ids=(ids[0],)))

        finish(store, job, JobState.READY)

        assert set(states(store, ids)) == {JobState.CANCELLED}

    @pytest.mark.parametrize("how", ["the worker dies", "the worker says good-bye", "nobody knows"])
    def test_of_one_that_was_asked_to_stop_and_lost(
        self, store: JobStore, worker: UUID, how: str
    ) -> None:
        ids = chained(store)
        claim(store, worker)
        store.cancel(JobFilter(ids=(ids[0],)))

        if how == "the worker dies":
            WorkerRecord.objects.update(lease_expires_at=store.database_now() - HOUR)
            store.release_of_dead_workers()
        elif how == "the worker says good-bye":
            store.deregister_worker(worker)
        else:
            store.heartbeat(worker, lease=HOUR, reconcile_after=-HOUR)

        assert set(states(store, ids)) == {JobState.CANCELLED}

    def test_of_one_that_waits_cancels_what_follows_and_counts_it(self, store: JobStore) -> None:
        ids = chained(store)
        told: list[int] = []

        answer = store.cancel(
            JobFilter(ids=(ids[1],)), reason="no need", tell=lambda job_id, *_: told.append(job_id)
        )

        assert answer == Cancelled(cancelled=2)
        assert told == ids[1:]
        assert states(store, ids) == [JobState.READY, JobState.CANCELLED, JobState.CANCELLED]
        assert message_of(ids[2]) == f"job {ids[1]}, which it waited for, was cancelled: no need"

    def test_frees_the_keys_of_what_follows(self, store: JobStore) -> None:
        first, _ = store.insert_chain([NewJob(handler="a"), NewJob(handler="b", unique_key="k")])
        store.cancel(JobFilter(ids=(first.id,)))

        assert store.insert(NewJob(handler="b", unique_key="k")).created


def test_a_claim_says_whether_somebody_waits(store: JobStore, worker: UUID) -> None:
    chained(store, 2)
    make_job()

    claimed: list[ClaimedJob] = claim(store, worker)

    assert [job.has_next for job in claimed] == [True, False]
