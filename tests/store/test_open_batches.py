"""Batches that live long: requeued, nested, kept and swept."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from django_jobqueue.core.batches import NewBatch
from django_jobqueue.core.following import SweptBatches
from django_jobqueue.core.specs import FinishedJob, JobFilter, Retention
from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob, BatchRecord, Job
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .batches import CALLBACKS, SUCCESS, batch_of, callbacks, claimed, member, numbers, snapshot
from .chains import DEAD, HOUR
from .helpers import LONG_AGO, finish, make_job, register_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def worker(store: JobStore) -> UUID:
    return register_worker(store)


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

    def test_a_member_of_another_batch_that_is_discarded_is_none_of_this_one(
        self, store: JobStore, worker: UUID
    ) -> None:
        this, other = batch_of(store, 1), batch_of(store, 1)
        for job in claimed(store, worker):
            finish(store, job, **DEAD)
        store.discard_dead(JobFilter(batch_id=other))

        assert numbers(store, other) == numbers(store, this) == (0, 0, 0, 0, 1)

    def test_a_requeue_opens_its_own_batch_and_no_other(
        self, store: JobStore, worker: UUID
    ) -> None:
        this, other = batch_of(store, 1), batch_of(store, 1)
        for job in claimed(store, worker):
            finish(store, job, **DEAD)
        store.requeue(JobFilter(batch_id=this))

        assert not snapshot(store, this).is_finished
        assert snapshot(store, other).is_finished

    def test_a_success_whose_record_is_gone_has_not_failed(
        self, store: JobStore, worker: UUID
    ) -> None:
        batch_id = batch_of(store, 2)
        first, second = claimed(store, worker)
        finish(store, first, JobState.SUCCEEDED)
        finish(store, second, **DEAD)
        ArchivedJob.objects.update(finished_at=LONG_AGO)
        assert store.prune(Retention(archive=HOUR, dead=HOUR)).archived == 1
        store.requeue(JobFilter(ids=(second.id,)))

        assert numbers(store, batch_id) == (1, 0, 0, 0, 0)


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

    def test_what_one_end_enqueues_for_another_batch_keeps_that_open(
        self, store: JobStore, worker: UUID
    ) -> None:
        other = batch_of(store, 1)
        batch_of(store, 1, on_success=None, on_finish=member("last", batch_id=other))

        store.finish_many([FinishedJob(job, SUCCESS) for job in claimed(store, worker)])
        assert not snapshot(store, other).is_finished

        [last] = claimed(store, worker)
        finish(store, last, JobState.SUCCEEDED)
        assert numbers(store, other) == (0, 0, 2, 0, 0)
        assert callbacks() == ["on_success", "on_finish"]

    def test_an_outer_batch_that_seemed_to_end_with_the_inner_one_ends_once(
        self, store: JobStore, worker: UUID
    ) -> None:
        outer = batch_of(store, 1)
        inner, _ = store.insert_batch(NewBatch(parent_id=outer), [[member()]])

        store.finish_many([FinishedJob(job, SUCCESS) for job in claimed(store, worker)])

        assert snapshot(store, inner).is_finished
        assert snapshot(store, outer).is_finished
        assert callbacks() == ["on_success", "on_finish"]


class TestKeeping:
    def test_members_of_an_open_batch_are_not_pruned(self, store: JobStore, worker: UUID) -> None:
        batch_id = batch_of(store, 2)
        first, second = claimed(store, worker)
        finish(store, first, JobState.SUCCEEDED)
        soon = Retention(archive=HOUR, dead=HOUR)
        later = store.database_now() + 2 * HOUR
        noted: list[Sequence[int]] = []

        assert store.prune(soon, now=later, note=noted.append).archived == 0
        assert noted == []
        finish(store, second, JobState.SUCCEEDED)
        assert store.prune(soon, now=later, note=noted.append).archived == 2
        assert store.find_batch(batch_id) is None

    def test_an_open_batch_keeps_no_members_of_another(self, store: JobStore, worker: UUID) -> None:
        batch_of(store, 1)
        [only] = claimed(store, worker)
        finish(store, only, JobState.SUCCEEDED)
        batch_of(store, 1)

        later = store.database_now() + 2 * HOUR
        assert store.prune(Retention(archive=HOUR, dead=HOUR), now=later).archived == 1

    def test_one_call_removes_no_more_of_them_than_it_was_told(
        self, store: JobStore, worker: UUID
    ) -> None:
        for _ in range(3):
            batch_of(store, 1)
        store.finish_many([FinishedJob(job, SUCCESS) for job in claimed(store, worker)])
        later = store.database_now() + 2 * HOUR

        store.prune(Retention(archive=HOUR, dead=HOUR), now=later, batch=2)

        assert BatchRecord.objects.count() == 1

    def test_the_numbers_of_a_finished_batch_outlive_its_members(
        self, store: JobStore, worker: UUID
    ) -> None:
        batch_id = batch_of(store, 2)
        store.finish_many([FinishedJob(job, SUCCESS) for job in claimed(store, worker)])
        ArchivedJob.objects.all().delete()

        assert numbers(store, batch_id) == (0, 0, 2, 0, 0)

    def test_a_finished_batch_does_not_end_again(self, store: JobStore, worker: UUID) -> None:
        batch_id = batch_of(store, 2)
        store.finish_many([FinishedJob(job, SUCCESS) for job in claimed(store, worker)])
        before = snapshot(store, batch_id)
        ArchivedJob.objects.all().delete()

        assert store.finish_batches([batch_id]) == []
        assert snapshot(store, batch_id) == before

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

    def test_no_stretch_has_a_batch_that_has_finished_or_was_looked_at(
        self, store: JobStore
    ) -> None:
        batch_of(store, 0)
        assert store.sweep_batches(limit=1) == SweptBatches()
        live = batch_of(store, 1)

        assert store.sweep_batches(limit=1) == SweptBatches(up_to=live)
        assert store.sweep_batches(after=live, limit=1) == SweptBatches()

    def test_a_stretch_is_bounded_and_the_next_goes_on_from_there(self, store: JobStore) -> None:
        ids = [batch_of(store, 1) for _ in range(3)]
        Job.objects.filter(batch_id=ids[2]).delete()

        BatchRecord.objects.filter(pk=ids[0]).update(meta={"written": "anew"})

        first = store.sweep_batches(limit=2)
        assert (first.queues, first.up_to) == ((), ids[1])
        assert store.sweep_batches(after=first.up_to, limit=2).queues == ("default",)
