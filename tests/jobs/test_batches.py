"""`Batch(on_finish=…).enqueue(…)`, its handle, and what workers make of it."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction

from django_jobqueue import (
    Batch,
    BatchFinished,
    BatchHandle,
    BatchNotFound,
    Discard,
    InvalidOptions,
    JobContext,
    JobState,
    PayloadError,
    chain,
    requeue,
)
from django_jobqueue.models import ArchivedJob, BatchRecord, Job
from tests.worker.site import COMMITTED, Site

pytestmark = COMMITTED


@pytest.fixture
def site() -> Site:
    return Site()


def answer(number: int = 0) -> int:
    return number


def note(runs: list[Any]) -> Any:
    def on_end(batch_id: int) -> None:
        runs.append(batch_id)

    return on_end


class TestWorking:
    def test_its_end_is_told_once_whatever_the_order(self, site: Site) -> None:
        ended: list[int] = []
        member, on_finish = site.job(answer), site.job(note(ended), name="end")
        batch = Batch(on_finish=on_finish.using(result_as="batch_id").s(), meta={"of": "ada"})
        handle = batch.enqueue(member.s(n) for n in range(20))
        site.work()

        found = handle.snapshot
        assert (found.total, found.succeeded, found.is_finished) == (20, 20, True)
        assert found.meta == {"of": "ada"}
        assert ended == [handle.id]

    def test_members_may_add_members(self, site: Site) -> None:
        ended: list[int] = []
        member = site.job(answer)

        def spread(context: JobContext, depth: int) -> None:
            assert context.batch is not None
            if depth:
                context.batch.add([site.declared["spread"].s(depth - 1), member.s()])
                member.using(batch=context.batch).enqueue(1)

        first, on_finish = site.job(spread), site.job(note(ended), name="end")
        handle = Batch(on_success=on_finish.using(result_as="batch_id").s()).enqueue([first.s(2)])
        site.work()

        assert (handle.snapshot.total, handle.snapshot.succeeded) == (7, 7)
        assert ended == [handle.id]

    def test_a_transactional_member_may_add_and_finish(self, site: Site) -> None:
        member = site.job(answer)

        def add(context: JobContext) -> None:
            assert context.batch is not None
            context.batch.add([member.s()])

        adding = site.job(add, transactional=True, timeout=5)
        handle = Batch().enqueue([adding.s()])
        site.work()

        assert (handle.snapshot.succeeded, handle.snapshot.is_finished) == (2, True)

    def test_records_of_members_are_kept_for_its_numbers(self, site: Site) -> None:
        handle = Batch().enqueue([site.job(answer, keep=False).s(1)])
        site.work()

        assert handle.snapshot.succeeded == 1
        assert ArchivedJob.objects.filter(batch_id=handle.id).count() == 1

    def test_a_failure_is_told_and_success_after_a_requeue(self, site: Site) -> None:
        runs: list[str] = []
        answers: list[Any] = [Discard("no"), "yes"]
        member = site.job(lambda: answers.pop(0), name="member")
        ends = {
            f"on_{end}": site.job(lambda end=end: runs.append(end), name=end).s()
            for end in ("success", "failure", "finish")
        }
        handle = Batch(**ends).enqueue([member.s()])
        site.work()
        assert (sorted(runs), handle.snapshot.dead) == (["failure", "finish"], 1)

        assert len(handle.requeue().ids) == 1
        assert not handle.snapshot.is_finished
        site.work()
        assert (sorted(runs), handle.snapshot.succeeded) == (["failure", "finish", "success"], 1)

    def test_a_chain_can_be_a_member(self, site: Site) -> None:
        member = site.job(answer)
        link = member.using(result_as="number")
        handle = Batch().enqueue([chain(member.s(5), link.s()), member.s()])
        assert (handle.snapshot.waiting, Job.objects.filter(state="blocked").count()) == (3, 1)
        chain(member.using(batch=handle).s(), link.using(batch=handle).s()).enqueue()
        site.work()

        assert (handle.snapshot.succeeded, handle.snapshot.is_finished) == (5, True)

    def test_a_batch_within_a_batch_ends_first(self, site: Site) -> None:
        ended: list[int] = []
        member, on_finish = site.job(answer), site.job(note(ended), name="end")
        callback = on_finish.using(result_as="batch_id").s()

        def split(context: JobContext) -> None:
            Batch(parent=context.batch, on_finish=callback).enqueue([member.s()])

        outer = Batch(on_finish=callback).enqueue([site.job(split).s()])
        site.work()

        inner = BatchRecord.objects.get(parent_id=outer.id).pk
        assert ended == [inner, outer.id]

    def test_cancelling_it_ends_it(self, site: Site) -> None:
        runs = site.counted("failure")
        handle = Batch(on_failure=site.declared["failure"].s()).enqueue([site.job(answer).s()] * 3)

        assert handle.cancel("no need").cancelled == 3
        assert (handle.snapshot.cancelled, handle.snapshot.is_finished) == (3, True)
        site.work()
        assert runs == ["failure"]

    def test_what_it_cancelled_comes_back_as_a_whole(self, site: Site) -> None:
        handle = Batch().enqueue([site.job(answer).s()] * 3)
        handle.cancel()

        assert len(handle.requeue().ids) == 3
        site.work()
        assert (handle.snapshot.succeeded, handle.snapshot.cancelled) == (3, 0)

    def test_a_copy_of_a_success_takes_its_place(self, site: Site) -> None:
        handle = Batch().enqueue([site.job(answer).s()])
        site.work()
        requeue(ArchivedJob.objects.get().pk)
        site.work()

        assert handle.snapshot.succeeded == 1


class TestEnqueueing:
    def test_it_is_part_of_the_callers_transaction(self, site: Site) -> None:
        with transaction.atomic():
            Batch().enqueue([site.job(answer).s()])
            transaction.set_rollback(True)

        assert (Job.objects.count(), BatchRecord.objects.count()) == (0, 0)

    def test_each_member_is_told(
        self, site: Site, told: list[tuple[str, dict[str, object]]]
    ) -> None:
        member = site.job(answer)
        handle = Batch().enqueue([member.s()])
        added = handle.add([chain(member.s(), member.s())])

        enqueued = [facts["job_id"] for name, facts in told if name == "job.enqueued"]
        assert len(enqueued) == 3
        assert enqueued[1:] == [one.id for one in added]

    def test_the_twins_do_the_same(self, site: Site) -> None:
        member = site.job(answer)
        handle = async_to_sync(Batch().aenqueue)([member.s()])

        assert len(async_to_sync(handle.aadd)([member.s()])) == 1
        assert async_to_sync(handle.asnapshot)().waiting == 2
        assert async_to_sync(handle.acancel)("no need").cancelled == 2
        assert len(async_to_sync(handle.arequeue)().ids) == 2

    def test_handles_of_one_batch_are_equal(self) -> None:
        assert len({BatchHandle(1), BatchHandle(1)}) == 1
        assert BatchHandle(1) != BatchHandle(2)
        assert repr(BatchHandle(1)) == "BatchHandle(1)"

    def test_a_handle_of_nothing_says_so(self) -> None:
        with pytest.raises(BatchNotFound, match="no batch 7"):
            _ = BatchHandle(7).snapshot


class TestRefusals:
    def test_nothing_is_added_to_a_finished_batch(self, site: Site) -> None:
        member, handle = site.job(answer), Batch().enqueue()
        assert handle.snapshot.is_finished

        for add in (
            lambda: handle.add([member.s()]),
            lambda: member.using(batch=handle).enqueue(),
            lambda: member.using(batch=handle.id).enqueue_many([{}]),
            lambda: chain(member.using(batch=handle).s()).enqueue(),
            lambda: Batch(parent=handle).enqueue(),
        ):
            with pytest.raises(BatchFinished):
                add()
        assert Job.objects.count() == 0

    def test_members_are_calls(self, site: Site) -> None:
        member = site.job(answer)

        with pytest.raises(TypeError, match="a member is a call"):
            Batch().enqueue([member])
        with pytest.raises(TypeError, match="no result to take"):
            Batch().enqueue([member.using(result_as="number").s()])
        assert BatchRecord.objects.count() == 0

    def test_options_that_do_not_go_together_are_told(self, site: Site) -> None:
        member, batch = site.job(answer), BatchHandle(1)

        with pytest.raises(InvalidOptions, match="handle of a batch, or its id"):
            member.using(batch="1")
        with pytest.raises(InvalidOptions, match="added for ever"):
            member.using(batch=batch, every=60)
        with pytest.raises(InvalidOptions, match="the same for all"):
            chain(member.using(batch=batch).s(), member.s())
        with pytest.raises(PayloadError):
            Batch(meta={"a": {1, 2}}).enqueue()

    def test_steering_by_batch_leaves_all_others(self, site: Site) -> None:
        member = site.job(answer)
        other = member.enqueue()
        Batch().enqueue([member.s()]).cancel()

        assert other.refresh().state is JobState.READY
