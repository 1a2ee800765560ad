"""Batches: what the end of the last member brings about, in the transaction that writes it."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from django_jobqueue.core.batch_errors import BatchFinished, BatchNotFound
from django_jobqueue.core.batches import NewBatch
from django_jobqueue.core.limits import Limits
from django_jobqueue.core.specs import (
    FinishedJob,
    JobFilter,
    NewJob,
    WantedJobs,
)
from django_jobqueue.core.states import JobState
from django_jobqueue.models import BatchRecord, Job, WorkerRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .batches import CALLBACKS, SUCCESS, batch_of, callbacks, claimed, member, numbers, snapshot
from .chains import DEAD, HOUR, chained
from .helpers import claim, finish, make_job, register_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def worker(store: JobStore) -> UUID:
    return register_worker(store)


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

    def test_comes_with_a_finish_that_gives_its_permit_on(
        self, store: JobStore, worker: UUID
    ) -> None:
        chain = [member(concurrency_key="k"), member(concurrency_key="k")]
        batch_id, _ = store.insert_batch(NewBatch(**CALLBACKS), [chain])
        jobs = claim(store, worker, "members", limits=Limits())
        for _ in range(2):
            done = [FinishedJob(job, SUCCESS) for job in jobs]
            held, jobs = store.finish_and_claim(
                done,
                worker_id=worker,
                token=uuid4(),
                wanted=[WantedJobs("members", 5)],
                total=5,
                limits=Limits(),
            )
            assert len(held) == 1

        assert (jobs, snapshot(store, batch_id).succeeded) == ([], 2)
        assert callbacks() == ["on_success", "on_finish"]

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

    @pytest.mark.parametrize("how", ["it dies", "it is lost and cancelled"])
    def test_comes_with_a_job_elsewhere_that_its_only_member_waits_for(
        self, store: JobStore, worker: UUID, how: str
    ) -> None:
        batch_id = batch_of(store, 1)
        Job.objects.filter(batch_id=batch_id).delete()
        first, second = chained(store, 2)
        Job.objects.filter(pk=second).update(batch_id=batch_id, queue="members")
        [job] = claim(store, worker)
        if how == "it dies":
            finish(store, job, **DEAD)
        else:
            store.cancel(JobFilter(ids=(first,)))
            WorkerRecord.objects.update(lease_expires_at=store.database_now() - HOUR)
            store.release_of_dead_workers()

        assert numbers(store, batch_id) == (0, 0, 0, 1, 0)
        assert snapshot(store, batch_id).is_finished

    def test_of_a_batch_whose_members_somebody_removed_does_not_come_with_that_of_another(
        self, store: JobStore, worker: UUID
    ) -> None:
        emptied, other = batch_of(store, 1), batch_of(store, 1)
        Job.objects.filter(batch_id=emptied).delete()
        [job] = claimed(store, worker)

        finish(store, job, JobState.SUCCEEDED)

        assert snapshot(store, other).is_finished
        assert not snapshot(store, emptied).is_finished

    @pytest.mark.parametrize(("how", "end"), [("succeeded", "success"), ("cancelled", "failure")])
    def test_enqueues_each_job_once_however_often_it_comes(
        self, store: JobStore, worker: UUID, how: str, end: str
    ) -> None:
        batch_id = batch_of(store, 1)
        for _ in range(2):
            finish(store, claimed(store, worker)[0], JobState(how))
            assert callbacks() == [f"on_{end}", "on_finish"]
            BatchRecord.objects.update(finished_at=None)  # as a requeue does
            store.insert_members(batch_id, [[member()]])

    def test_is_told_to_a_callback_that_takes_the_id(self, store: JobStore, worker: UUID) -> None:
        new = NewBatch(on_finish=NewJob(handler="on_finish", result_as="batch_id"))
        batch_id, _ = store.insert_batch(new, [])

        job = Job.objects.get()
        assert job.payload == {"args": [], "kwargs": {"batch_id": batch_id}}
        assert (job.state, job.result_as) == (JobState.READY, None)

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


def test_what_is_stored_of_a_callback_is_the_job_itself(store: JobStore) -> None:
    job = NewJob(handler="h", delay=60.0, tags='["t"]', expires_at=store.database_now() + HOUR)
    store.insert_batch(NewBatch(on_finish=job), [])

    stored = msgspec.convert(BatchRecord.objects.get().on_finish, NewJob)
    row = Job.objects.get()
    assert (stored, row.state, row.tags) == (job, JobState.SCHEDULED, ["t"])
    assert row.expires_at == job.expires_at
