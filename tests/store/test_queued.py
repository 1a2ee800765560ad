"""What waits for handlers, stretch by stretch, on whichever database the suite runs."""

import json

import pytest

from django_jobqueue.core.queued import QueuedCall, QueuedKind
from django_jobqueue.core.specs import NewJob
from django_jobqueue.core.states import JobState
from django_jobqueue.models import BatchRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .batches import CALLBACKS, batch_of
from .helpers import claim, finish, make_job, register_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


def every_call(store: JobStore, limit: int, **which) -> list[QueuedCall]:
    calls, after, last = [], 0, store.last_job_id()
    while after is not None:
        stretch = store.queued_jobs(after=after, last=last, limit=limit, **which)
        assert len(stretch.calls) <= limit
        calls += stretch.calls
        after = stretch.up_to
    return calls


class TestJobs:
    @pytest.mark.parametrize("limit", [1, 2, 4, 5])
    def test_live_jobs_of_every_state_are_told_once_whatever_a_stretch_holds(self, store, limit):
        live = [JobState.SCHEDULED, JobState.BLOCKED, JobState.READY, JobState.RUNNING]
        rows = [make_job(state, queue="mail") for state in live]
        make_job(JobState.DEAD)
        make_job(JobState.SUCCEEDED)

        calls = every_call(store, limit)

        assert [one.named for one in calls] == [row.pk for row in rows]
        assert {(one.kind, one.handler, one.queue, one.later) for one in calls} == {
            (QueuedKind.JOB, "tests.handler", "mail", None)
        }

    def test_what_is_still_to_be_handed_over_is_told_of_those_that_wait_for_another_job(
        self, store
    ):
        chained = [NewJob(handler="a"), NewJob(handler="b", result_as="page")]
        first, second = (one.id for one in store.insert_chain(chained))
        limited = make_job(JobState.BLOCKED, result_as="page", blocked_by="queue:mail").pk

        assert {one.named: one.later for one in every_call(store, 10)} == {
            first: None,
            second: "page",
            limited: None,
        }

    def test_a_payload_comes_as_its_text(self, store):
        payload = {"args": [10**20], "kwargs": {"name": "\x1b[31mÄ"}}
        make_job(payload=payload)

        [call] = every_call(store, 10)

        assert json.loads(call.payload) == payload

    def test_jobs_of_other_queues_are_walked_past_and_not_read(self, store):
        for queue in ("mail", "other", "other", "reports", "other"):
            make_job(queue=queue)

        assert [one.queue for one in every_call(store, 2, queues=["mail", "reports"])] == [
            "mail",
            "reports",
        ]

    def test_what_comes_after_the_last_is_left(self, store):
        make_job()
        last = store.last_job_id()
        make_job()

        assert len(store.queued_jobs(after=0, last=last, limit=10).calls) == 1

    def test_where_no_job_lives_there_is_no_last_one(self, store):
        assert store.last_job_id() == 0
        assert every_call(store, 10) == []

    def test_a_stretch_is_so_many_rows_even_if_none_is_wanted(self, store):
        for _ in range(5):
            make_job(queue="other")

        stretch = store.queued_jobs(after=0, last=store.last_job_id(), limit=2, queues=["mail"])

        assert (stretch.calls, stretch.up_to is not None) == ((), True)

    def test_an_argument_is_still_to_come_only_while_a_job_waits_for_another(self, store):
        first, second = store.insert_chain(
            [NewJob(handler="first"), NewJob(handler="second", result_as="page")]
        )
        worker = register_worker(store)
        [job] = claim(store, worker)
        before = {one.named: one.later for one in every_call(store, 10)}

        finish(store, job, JobState.SUCCEEDED, result="7")

        assert before == {first.id: None, second.id: "page"}
        [call] = every_call(store, 10)
        assert (call.later, json.loads(call.payload)["kwargs"]) == (None, {"page": 7})


class TestBatches:
    def test_what_waits_for_the_end_of_an_open_batch_is_told(self, store):
        callback = NewJob(handler="tell", queue="mail", result_as="batch_id")
        batch_id = batch_of(store, on_finish=callback)

        stretch = store.queued_by_batches(after=0, limit=10)

        assert stretch.up_to is None
        handlers = [CALLBACKS["on_success"].handler, CALLBACKS["on_failure"].handler, "tell"]
        assert [one.handler for one in stretch.calls] == handlers
        last = stretch.calls[-1]
        assert (last.kind, last.named, last.queue) == (QueuedKind.BATCH, batch_id, "mail")
        assert (last.later, last.payload) == ("batch_id", callback.payload)

    def test_what_was_enqueued_already_and_finished_batches_are_left(self, store):
        batch_of(store, count=0)
        reopened = batch_of(store)
        BatchRecord.objects.filter(pk=reopened).update(success_enqueued=True)

        calls = store.queued_by_batches(after=0, limit=10).calls

        assert [(one.named, one.handler) for one in calls] == [
            (reopened, "on_failure"),
            (reopened, "on_finish"),
        ]

    def test_stretches_follow_one_another(self, store):
        ids = [batch_of(store, on_success=None, on_failure=None) for _ in range(3)]

        first = store.queued_by_batches(after=0, limit=2)
        second = store.queued_by_batches(after=first.up_to or 0, limit=2)

        assert [one.named for one in (*first.calls, *second.calls)] == ids
        assert (first.up_to, second.up_to) == (ids[1], None)
