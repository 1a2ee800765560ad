"""Batches: what the end of the last member brings about, in the transaction that writes it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from django_jobqueue.core.batches import BatchSnapshot, NewBatch
from django_jobqueue.core.errors import BatchFinished, BatchNotFound
from django_jobqueue.core.specs import (
    ClaimedJob,
    FinishedJob,
    JobFilter,
    NewJob,
    Retention,
    Transition,
)
from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob, BatchRecord, Job, WorkerRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .chains import DEAD, HOUR
from .helpers import claim, finish, make_job, register_worker

pytestmark = pytest.mark.django_db

CALLBACKS = {f"on_{end}": NewJob(handler=f"on_{end}") for end in ("success", "failure", "finish")}
SUCCESS = Transition(state=JobState.SUCCEEDED)


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def worker(store: JobStore) -> UUID:
    return register_worker(store)


def member(name: str = "member", **fields: Any) -> NewJob:
    return NewJob(handler=name, queue=fields.pop("queue", "members"), **fields)


def batch_of(store: JobStore, count: int = 2, **said: Any) -> int:
    new = NewBatch(**{**CALLBACKS, **said})
    batch_id, _ = store.insert_batch(new, [[member()] for _ in range(count)])
    return batch_id


def claimed(store: JobStore, worker: UUID) -> list[ClaimedJob]:
    return claim(store, worker, "members")


def callbacks() -> list[str]:
    """What was enqueued at the end of a batch, in order."""
    return list(
        Job.objects.exclude(queue="members").order_by("id").values_list("handler", flat=True)
    )


def numbers(store: JobStore, batch_id: int) -> tuple[int, int, int, int, int]:
    found = snapshot(store, batch_id)
    return (found.waiting, found.running, found.succeeded, found.cancelled, found.dead)


def snapshot(store: JobStore, batch_id: int) -> BatchSnapshot:
    found = store.find_batch(batch_id)
    assert found is not None
    return found


class TestEnd:
    def test_comes_with_the_last_member_and_enqueues_once(
        self, store: JobStore, worker: UUID
    ) -> None:
        batch_id = batch_of(store)
        first, second = claimed(store, worker)

        finish(store, first, JobState.SUCCEEDED)
        assert (callbacks(), snapshot(store, batch_id).is_finished) == ([], False)
        finish(store, second, JobState.SUCCEEDED)

        assert callbacks() == ["on_success", "on_finish"]
        assert snapshot(store, batch_id).is_finished
        assert numbers(store, batch_id) == (0, 0, 2, 0, 0)

    @pytest.mark.parametrize("end", [DEAD, {"state": JobState.CANCELLED}])
    def test_with_a_member_that_did_not_succeed_is_a_failure(
        self, store: JobStore, worker: UUID, end: dict[str, Any]
    ) -> None:
        batch_of(store)
        first, second = claimed(store, worker)
        finish(store, first, **end)
        finish(store, second, JobState.SUCCEEDED)

        assert callbacks() == ["on_failure", "on_finish"]

    def test_of_all_members_in_one_batch_of_finishes(self, store: JobStore, worker: UUID) -> None:
        ids = [batch_of(store, 3) for _ in range(4)]
        done = [FinishedJob(job, SUCCESS) for job in claimed(store, worker)]
        assert len(store.finish_many(done)) == 12

        assert [snapshot(store, one).succeeded for one in ids] == [3] * 4
        assert sorted(callbacks()) == ["on_finish"] * 4 + ["on_success"] * 4

    def test_comes_with_a_finish_that_claims(self, store: JobStore, worker: UUID) -> None:
        batch_id = batch_of(store, 1)
        done = [FinishedJob(job, SUCCESS) for job in claimed(store, worker)]
        store.finish_and_claim(
            done, worker_id=worker, token=done[0].job.claim_token, wanted=(), total=0
        )

        assert snapshot(store, batch_id).is_finished

    def test_of_none_at_all_is_a_success_at_once(self, store: JobStore) -> None:
        batch_id = batch_of(store, 0)

        assert snapshot(store, batch_id).is_finished
        assert callbacks() == ["on_success", "on_finish"]

    def test_does_not_come_while_a_member_waits_for_a_retry(
        self, store: JobStore, worker: UUID
    ) -> None:
        batch_id = batch_of(store, 1)
        [job] = claimed(store, worker)
        finish(store, job, JobState.SCHEDULED, delay=60.0)

        assert not snapshot(store, batch_id).is_finished
        assert numbers(store, batch_id) == (1, 0, 0, 0, 0)

    def test_is_not_brought_about_by_a_late_report(self, store: JobStore, worker: UUID) -> None:
        batch_of(store, 1)
        [job] = claimed(store, worker)
        finish(store, job, JobState.SUCCEEDED)

        assert not finish(store, job, JobState.SUCCEEDED)
        assert callbacks() == ["on_success", "on_finish"]

    def test_comes_with_the_last_link_of_a_chain(self, store: JobStore, worker: UUID) -> None:
        chain = [member("a"), member("b")]
        batch_id, _ = store.insert_batch(NewBatch(**CALLBACKS), [chain, [member("c")]])
        assert numbers(store, batch_id) == (3, 0, 0, 0, 0)

        store.finish_many([FinishedJob(job, SUCCESS) for job in claimed(store, worker)])
        assert callbacks() == []
        store.finish_many([FinishedJob(job, SUCCESS) for job in claimed(store, worker)])

        assert callbacks() == ["on_success", "on_finish"]

    def test_comes_with_the_chain_that_ends_because_of_its_first_link(
        self, store: JobStore, worker: UUID
    ) -> None:
        chain = [member("a"), member("b"), member("c")]
        batch_id, _ = store.insert_batch(NewBatch(**CALLBACKS), [chain])
        [job] = claimed(store, worker)
        finish(store, job, **DEAD)

        assert numbers(store, batch_id) == (0, 0, 0, 2, 1)
        assert callbacks() == ["on_failure", "on_finish"]

    def test_is_told_to_a_callback_that_takes_the_id(self, store: JobStore, worker: UUID) -> None:
        new = NewBatch(on_finish=NewJob(handler="on_finish", result_as="batch_id"))
        batch_id, _ = store.insert_batch(new, [])

        assert Job.objects.get().payload == {"args": [], "kwargs": {"batch_id": batch_id}}
        assert Job.objects.get().state == JobState.READY

    def test_enqueues_nothing_where_nothing_was_said(self, store: JobStore, worker: UUID) -> None:
        batch_id, _ = store.insert_batch(NewBatch(), [[member()]])
        [job] = claimed(store, worker)
        finish(store, job, JobState.SUCCEEDED)

        assert (callbacks(), snapshot(store, batch_id).is_finished) == ([], True)


class TestCancelling:
    def test_all_members_that_wait_finishes_the_batch(self, store: JobStore) -> None:
        batch_id = batch_of(store, 3)
        make_job(queue="members")

        assert store.cancel(JobFilter(batch_id=batch_id)).cancelled == 3

        assert numbers(store, batch_id) == (0, 0, 0, 3, 0)
        assert callbacks() == ["on_failure", "on_finish"]

    def test_leaves_the_end_to_those_that_run(self, store: JobStore, worker: UUID) -> None:
        batch_id = batch_of(store, 2)
        [job] = claim(store, worker, "members", total=1)
        store.cancel(JobFilter(batch_id=batch_id))
        assert callbacks() == []

        finish(store, job, JobState.READY)

        assert numbers(store, batch_id) == (0, 0, 0, 2, 0)
        assert callbacks() == ["on_failure", "on_finish"]

    @pytest.mark.parametrize("how", ["the worker dies", "the worker says good-bye", "nobody knows"])
    def test_one_that_is_lost_finishes_the_batch(
        self, store: JobStore, worker: UUID, how: str
    ) -> None:
        batch_id = batch_of(store, 1)
        claimed(store, worker)
        store.cancel(JobFilter(batch_id=batch_id))

        if how == "the worker dies":
            WorkerRecord.objects.update(lease_expires_at=store.database_now() - HOUR)
            store.release_of_dead_workers()
        elif how == "the worker says good-bye":
            store.deregister_worker(worker)
        else:
            store.heartbeat(worker, lease=HOUR, reconcile_after=-HOUR)

        assert snapshot(store, batch_id).is_finished
        assert callbacks() == ["on_failure", "on_finish"]


class TestAdding:
    def test_delays_the_end(self, store: JobStore, worker: UUID) -> None:
        batch_id = batch_of(store, 1)
        [job] = claimed(store, worker)
        [[added]] = store.insert_members(batch_id, [[member()]])
        finish(store, job, JobState.SUCCEEDED)

        assert callbacks() == []
        [job] = claimed(store, worker)
        assert (job.id, job.batch_id) == (added.id, batch_id)
        finish(store, job, JobState.SUCCEEDED)
        assert callbacks() == ["on_success", "on_finish"]

    def test_is_refused_once_the_batch_has_finished(self, store: JobStore) -> None:
        batch_id = batch_of(store, 0)

        with pytest.raises(BatchFinished):
            store.insert_members(batch_id, [[member()]])
        with pytest.raises(BatchNotFound):
            store.insert_members(batch_id + 1, [[member()]])
        with pytest.raises(BatchFinished):
            store.insert_batch(NewBatch(parent_id=batch_id), [])
        assert not Job.objects.filter(queue="members").exists()

    def test_a_member_whose_key_is_taken_is_left_out(self, store: JobStore, worker: UUID) -> None:
        holder = make_job(unique_key="k")
        batch_id, answers = store.insert_batch(
            NewBatch(), [[member(unique_key="k")], [member()], [member(unique_key="l")]]
        )

        assert [one.created for [one] in answers] == [False, True, True]
        assert answers[0][0].id == holder.pk
        assert snapshot(store, batch_id).total == 2

    def test_many_members_keep_their_order(self, store: JobStore) -> None:
        chain = [member("b"), member("c")]
        _, answers = store.insert_batch(NewBatch(), [[member("a")], chain, [member("d")]])

        names = [[Job.objects.get(pk=one.id).handler for one in answer] for answer in answers]
        assert names == [["a"], ["b", "c"], ["d"]]


class TestRequeueing:
    @pytest.fixture
    def failed(self, store: JobStore, worker: UUID) -> int:
        """A finished batch of a success, a dead member and a cancelled one."""
        batch_id = batch_of(store, 3)
        first, second, third = claimed(store, worker)
        finish(store, first, JobState.SUCCEEDED)
        finish(store, second, **DEAD)
        finish(store, third, JobState.CANCELLED)
        assert numbers(store, batch_id) == (0, 0, 1, 1, 1)
        Job.objects.all().delete()
        return batch_id

    def test_opens_the_batch_and_success_comes_at_last(
        self, store: JobStore, worker: UUID, failed: int
    ) -> None:
        store.requeue(JobFilter(batch_id=failed))
        store.requeue(JobFilter(batch_id=failed, state=JobState.CANCELLED))
        assert not snapshot(store, failed).is_finished
        assert numbers(store, failed) == (2, 0, 1, 0, 0)

        store.finish_many([FinishedJob(job, SUCCESS) for job in claimed(store, worker)])

        assert numbers(store, failed) == (0, 0, 3, 0, 0)
        assert callbacks() == ["on_success"]

    def test_fails_again_without_a_word(self, store: JobStore, worker: UUID, failed: int) -> None:
        store.requeue(JobFilter(batch_id=failed))
        [job] = claimed(store, worker)
        finish(store, job, **DEAD)

        assert snapshot(store, failed).is_finished
        assert callbacks() == []

    def test_a_dead_member_of_an_open_batch_delays_its_end(
        self, store: JobStore, worker: UUID
    ) -> None:
        batch_id = batch_of(store, 2)
        first, second = claimed(store, worker)
        finish(store, first, **DEAD)
        store.requeue(JobFilter(ids=(first.id,)))
        finish(store, second, JobState.SUCCEEDED)

        assert not snapshot(store, batch_id).is_finished

    def test_a_discarded_member_is_remembered(self, store: JobStore, worker: UUID) -> None:
        batch_id = batch_of(store, 2)
        first, second = claimed(store, worker)
        finish(store, first, **DEAD)
        store.discard_dead(JobFilter(ids=(first.id,)))
        assert numbers(store, batch_id) == (0, 1, 0, 0, 1)
        finish(store, second, JobState.SUCCEEDED)

        assert callbacks() == ["on_failure", "on_finish"]


class TestNesting:
    def test_the_outer_batch_finishes_after_the_inner_one(
        self, store: JobStore, worker: UUID
    ) -> None:
        outer, _ = store.insert_batch(NewBatch(**CALLBACKS), [[member("outer")]])
        inner, _ = store.insert_batch(NewBatch(parent_id=outer), [[member("inner")]])
        first, second = claimed(store, worker)

        finish(store, first, JobState.SUCCEEDED)
        assert not snapshot(store, outer).is_finished
        finish(store, second, JobState.SUCCEEDED)

        assert snapshot(store, inner).is_finished
        assert snapshot(store, outer).is_finished
        assert callbacks() == ["on_success", "on_finish"]

    def test_what_an_inner_end_enqueues_belongs_to_the_outer_batch(
        self, store: JobStore, worker: UUID
    ) -> None:
        outer, _ = store.insert_batch(NewBatch(**CALLBACKS), [[member()]])
        inner, _ = store.insert_batch(
            NewBatch(parent_id=outer, on_finish=member("inner end")), [[member()]]
        )
        store.finish_many([FinishedJob(job, SUCCESS) for job in claimed(store, worker)])
        assert snapshot(store, inner).is_finished
        assert callbacks() == []

        [job] = claimed(store, worker)
        assert (job.handler, job.batch_id) == ("inner end", outer)
        finish(store, job, JobState.SUCCEEDED)
        assert callbacks() == ["on_success", "on_finish"]


class TestKeeping:
    def test_members_of_an_open_batch_are_not_pruned(self, store: JobStore, worker: UUID) -> None:
        batch_id = batch_of(store, 2)
        first, second = claimed(store, worker)
        finish(store, first, JobState.SUCCEEDED)
        soon = Retention(archive=HOUR, dead=HOUR)
        later = store.database_now() + 2 * HOUR

        assert store.prune(soon, now=later).archived == 0
        finish(store, second, JobState.SUCCEEDED)
        assert store.prune(soon, now=later).archived == 2
        assert store.find_batch(batch_id) is None

    def test_the_numbers_of_a_finished_batch_outlive_its_members(
        self, store: JobStore, worker: UUID
    ) -> None:
        batch_id = batch_of(store, 2)
        store.finish_many([FinishedJob(job, SUCCESS) for job in claimed(store, worker)])
        ArchivedJob.objects.all().delete()

        assert numbers(store, batch_id) == (0, 0, 2, 0, 0)

    def test_a_batch_that_is_nowhere_is_not_found(self, store: JobStore) -> None:
        assert store.find_batch(1) is None

    def test_a_snapshot_tells_what_was_stored(self, store: JobStore) -> None:
        parent = batch_of(store, 1)
        batch_id = batch_of(store, 1, meta='{"a":[1]}', parent_id=parent)

        found = snapshot(store, batch_id)
        assert (found.meta, found.parent_id, found.total, found.ended) == ({"a": [1]}, parent, 1, 0)
        assert store.database_now() - found.created_at < timedelta(minutes=5)


class TestSweeping:
    def test_a_batch_whose_members_ended_elsewhere_is_finished(self, store: JobStore) -> None:
        left = batch_of(store, 1)
        live = batch_of(store, 1)
        Job.objects.filter(batch_id=left).delete()
        make_job(JobState.SUCCEEDED, batch_id=left)

        assert store.sweep_batches().queues == ("default",)

        assert snapshot(store, left).is_finished
        assert not snapshot(store, live).is_finished
        assert callbacks() == ["on_success", "on_finish"]
        assert store.sweep_batches().queues == ()

    def test_a_stretch_is_bounded_and_the_next_goes_on_from_there(self, store: JobStore) -> None:
        ids = [batch_of(store, 1) for _ in range(3)]
        Job.objects.filter(batch_id=ids[2]).delete()

        first = store.sweep_batches(limit=2)
        assert (first.queues, first.up_to) == ((), ids[1])
        assert store.sweep_batches(after=first.up_to, limit=2).queues == ("default",)


def test_what_is_stored_of_a_callback_is_the_job_itself(store: JobStore) -> None:
    job = NewJob(handler="h", delay=60.0, tags='["t"]', expires_at=store.database_now() + HOUR)
    store.insert_batch(NewBatch(on_finish=job), [])

    stored = msgspec.convert(BatchRecord.objects.get().on_finish, NewJob)
    row = Job.objects.get()
    assert (stored, row.state, row.tags) == (job, JobState.SCHEDULED, ["t"])
    assert row.expires_at == job.expires_at
