import asyncio
import gc
import pickle
import threading
from dataclasses import dataclass
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction

from django_jobqueue import JobHandle, job
from django_jobqueue.core.errors import InvalidHandler, JobNotFinished, JobNotFound
from django_jobqueue.core.payloads import dump_result
from django_jobqueue.core.states import DeathReason, JobState
from tests.handlers import add

from .finishing import DEAD, SUCCEEDED, finish_next


def follow(other: JobHandle) -> None: ...


class TestIdentity:
    def test_two_handles_of_one_job_are_equal(self):
        assert JobHandle(7) == JobHandle(7, created=False)
        assert len({JobHandle(7), JobHandle(7), JobHandle(8)}) == 2
        assert JobHandle(7) != 7

    def test_it_shows_its_id(self):
        assert repr(JobHandle(7)) == "JobHandle(7)"


@pytest.mark.django_db
class TestCost:
    def test_many_are_not_searched_for_cycles(self):
        # A full collection, which twenty thousand more objects bring about, holds up every thread.
        assert not any(map(gc.is_tracked, add.enqueue_many([(1, 2)] * 3)))


@pytest.mark.django_db
class TestAsAValue:
    def test_it_is_no_result_by_itself_or_within_another(self):
        @dataclass
        class Report:
            of: JobHandle

        for result in (JobHandle(7), [JobHandle(7)], Report(JobHandle(7))):
            text, is_whole = dump_result(result)
            assert (is_whole, "_unserialisable" in text) == (False, True)

    def test_it_is_no_argument(self):
        with pytest.raises(InvalidHandler, match="such as its id"):
            job(follow)

    def test_it_can_be_handed_to_another_process(self):
        handle = add.enqueue(1, 2)
        there = pickle.loads(pickle.dumps(handle))

        assert (there, hash(there), there.created) == (handle, hash(handle), True)


@pytest.mark.django_db
class TestLooking:
    def test_a_live_job_has_a_state_and_no_result_yet(self):
        handle = add.enqueue(1)

        assert handle.state == JobState.READY
        assert not handle.is_finished
        assert handle.error is None
        with pytest.raises(JobNotFinished, match=f"job {handle.id} is ready"):
            handle.result  # noqa: B018 - the access is the test

    def test_a_job_is_found_in_the_archive(self):
        handle = add.enqueue(1)
        finish_next(SUCCEEDED)

        assert handle.state == JobState.SUCCEEDED
        assert handle.is_finished
        assert handle.result == [3]
        assert handle.attempts == []

    def test_a_job_is_found_among_the_dead_letters_with_its_failed_run(self):
        handle = add.enqueue(1)
        finish_next(DEAD)

        assert handle.state == JobState.DEAD
        assert handle.snapshot.reason == DeathReason.DISCARDED
        assert handle.error == {"type": "ValueError", "message": "no"}
        assert [run.error_type for run in handle.attempts] == ["ValueError"]
        assert handle.result is None

    def test_what_it_tells_stays_the_same_until_it_is_refreshed(self):
        handle = add.enqueue(1)
        before = handle.snapshot
        finish_next(SUCCEEDED)

        assert handle.snapshot is before
        assert handle.state == JobState.READY
        assert handle.refresh().state == JobState.SUCCEEDED

    def test_the_kept_runs_are_looked_up_again_after_a_refresh(self):
        handle = add.enqueue(1)
        assert handle.attempts == []
        finish_next(DEAD)

        assert handle.attempts == []
        assert len(handle.refresh().attempts) == 1

    def test_a_job_is_found_by_its_id(self):
        assert JobHandle.get(add.enqueue(1).id).snapshot.handler == "tests.handlers.add"

    @pytest.mark.parametrize("job_id", [0, -1, 2**62, 2**63, 10**30])
    def test_an_id_that_exists_nowhere_is_told_as_such(self, job_id: int):
        with pytest.raises(JobNotFound, match=f"job {job_id} is in no table"):
            JobHandle.get(job_id)

    def test_a_job_that_was_rolled_back_exists_nowhere(self):
        with transaction.atomic():
            handle = add.enqueue(1)
            transaction.set_rollback(True)

        with pytest.raises(JobNotFound):
            handle.state  # noqa: B018 - the access is the test

    def test_a_waiting_job_is_cancelled(self):
        handle = add.enqueue(1)

        assert handle.cancel("not needed").cancelled == 1
        assert handle.refresh().state == JobState.CANCELLED
        assert handle.error == {"type": "Cancel", "message": "not needed"}


@pytest.mark.django_db(transaction=True)
class TestWaiting:
    def test_a_job_that_finished_before_the_call_is_not_missed(self):
        handle = add.enqueue(1)
        finish_next(SUCCEEDED)

        assert handle.wait(timeout=0).result == [3]

    def test_it_returns_the_record_of_a_job_that_finishes_meanwhile(
        self, finishing_soon: threading.Event
    ):
        handle = add.enqueue(1)
        assert handle.state == JobState.READY
        finishing_soon.set()

        assert handle.wait(timeout=10).state == JobState.SUCCEEDED
        assert handle.result == [3]

    def test_it_returns_the_record_of_a_dead_letter_too(self):
        handle = add.enqueue(1)
        finish_next(DEAD)

        assert handle.wait(timeout=0).reason == DeathReason.DISCARDED

    @pytest.mark.parametrize("timeout", [0, 0.02, timedelta(milliseconds=20)])
    def test_after_the_timeout_the_error_names_the_job_and_its_state(self, timeout: float):
        handle = add.enqueue(1)

        with pytest.raises(TimeoutError, match=f"job {handle.id} is still ready"):
            handle.wait(timeout=timeout)

    def test_inside_a_transaction_it_raises_at_once(self):
        with transaction.atomic():
            handle = add.enqueue(1)
            with pytest.raises(transaction.TransactionManagementError, match=str(handle.id)):
                handle.wait()
            assert not connection.needs_rollback

    def test_a_job_whose_record_is_gone_is_told_as_such(self):
        with pytest.raises(JobNotFound):
            JobHandle(2**62).wait()

    def test_the_awaited_twin_does_the_same(self, finishing_soon: threading.Event):
        handle = add.enqueue(1)

        async def waiting() -> JobState:
            finishing_soon.set()
            return (await handle.finished(timeout=10)).state

        assert async_to_sync(waiting)() == JobState.SUCCEEDED

    def test_the_awaited_twin_times_out_too(self):
        handle = add.enqueue(1)

        with pytest.raises(TimeoutError, match=f"job {handle.id} is still ready"):
            async_to_sync(handle.finished)(timeout=0.02)

    def test_the_awaited_twin_leaves_the_loop_free(self, finishing_soon: threading.Event):
        handle = add.enqueue(1)

        async def waiting() -> JobState:
            waiter = asyncio.ensure_future(handle.finished(timeout=10))
            await asyncio.sleep(0)
            finishing_soon.set()  # reached, although somebody waits
            return (await waiter).state

        assert async_to_sync(waiting)() == JobState.SUCCEEDED

    def test_the_other_twins_do_the_same(self):
        async def steps() -> tuple[JobState, int, JobState]:
            handle = await add.aenqueue(1)
            found = await JobHandle.aget(handle.id)
            cancelled = await handle.acancel()
            return found.state, cancelled.cancelled, (await handle.arefresh()).state

        assert async_to_sync(steps)() == (JobState.READY, 1, JobState.CANCELLED)
