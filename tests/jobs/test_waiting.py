"""Waiting as a site does it: by the handle of a job, in threads and in event loops."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction

from django_jobqueue import JobHandle, JobState
from django_jobqueue.core.errors import JobNotFound
from django_jobqueue.core.specs import Transition
from tests.handlers import add

from .finishing import DEAD, RETRIED, SUCCEEDED, claim_next, finish_next
from .waits import PATIENCE, beside, lookout_threads, until

pytestmark = pytest.mark.django_db(transaction=True)
UNKEPT = Transition(state=JobState.SUCCEEDED, keep=False)
SNOOZED = Transition(state=JobState.SCHEDULED, delay=60.0, attempt_change=-1, reprocess_change=1)


@pytest.fixture(autouse=True)
def lookouts_at_rest() -> Iterator[None]:
    yield
    until(lambda: not lookout_threads())


class TestUntilAttempted:
    @pytest.mark.parametrize("end", [SUCCEEDED, DEAD, RETRIED], ids=["success", "death", "retry"])
    def test_the_first_attempt_is_enough_whatever_came_of_it(self, end: Transition):
        handle = add.enqueue(1)
        finish_next(end)

        assert handle.wait(0, until="attempted").state == end.state

    def test_it_returns_as_soon_as_the_attempt_is_over(self):
        handle = add.enqueue(1)

        with beside(lambda: handle.wait(PATIENCE, until="attempted")) as [wait]:
            until(lookout_threads)
            finish_next(RETRIED)
            found = wait.result(PATIENCE)

        assert (found.state, found.attempt) == (JobState.SCHEDULED, 1)

    def test_an_attempt_that_runs_is_not_over(self):
        handle = add.enqueue(1)
        claim_next()

        with pytest.raises(TimeoutError, match=f"job {handle.id} is still running"):
            handle.wait(0, until="attempted")

    def test_a_snooze_spends_no_attempt(self):
        handle = add.enqueue(1)
        finish_next(SNOOZED)

        with pytest.raises(TimeoutError, match="still scheduled"):
            handle.wait(0, until="attempted")

    def test_a_cancelled_job_will_not_be_attempted(self):
        handle = add.enqueue(1)
        handle.cancel()

        assert handle.wait(0, until="attempted").state == JobState.CANCELLED

    def test_the_awaited_twin_does_the_same(self):
        handle = add.enqueue(1)
        finish_next(RETRIED)

        found = async_to_sync(handle.finished)(0, until="attempted")

        assert found.state == JobState.SCHEDULED

    def test_another_end_is_refused(self):
        with pytest.raises(ValueError, match="until='begun' must be one of 'finished', 'attempt"):
            add.enqueue(1).wait(0, until="begun")


class TestWaiting:
    def test_who_waits_long_before_the_finish_returns_with_it(self):
        handle = add.enqueue(1)

        with beside(lambda: handle.wait()) as [wait]:
            until(lookout_threads)
            assert not wait.done()
            finish_next(SUCCEEDED)

            assert wait.result(PATIENCE).result == [3]

    def test_a_success_that_is_not_kept_is_told_to_be_gone(self):
        handle = add.enqueue(1)

        with beside(lambda: handle.wait(PATIENCE)) as [wait]:
            until(lookout_threads)
            finish_next(UNKEPT)
            with pytest.raises(JobNotFound, match=f"job {handle.id} .* keeps no record"):
                wait.result(PATIENCE)

    def test_inside_a_transaction_a_job_that_is_final_can_be_waited_for(self):
        handle = add.enqueue(1)
        finish_next(SUCCEEDED)

        with transaction.atomic():
            assert handle.wait().result == [3]

    def test_after_the_timeout_the_error_tells_how_the_job_stands(self):
        handle = add.enqueue(1)
        assert handle.state == JobState.READY
        claim_next()

        with pytest.raises(TimeoutError, match=f"job {handle.id} is still running after 0.05"):
            handle.wait(0.05)


class TestCoroutines:
    def test_many_wait_in_the_threads_that_one_needs(self):
        handles = [add.enqueue(number) for number in range(50)]

        async def waiting() -> set[JobState]:
            waits = [asyncio.ensure_future(handle.finished(PATIENCE)) for handle in handles]
            while not lookout_threads():
                await asyncio.sleep(0.005)
            threads = threading.active_count()
            assert threads < 10, threading.enumerate()
            await asyncio.to_thread(finish_all, len(handles))
            return {found.state for found in await asyncio.gather(*waits)}

        assert async_to_sync(waiting)() == {JobState.SUCCEEDED}

    def test_one_that_is_cancelled_leaves_nothing_behind(self):
        handle = add.enqueue(1)

        async def waiting() -> None:
            wait = asyncio.ensure_future(handle.finished())
            while not lookout_threads():
                await asyncio.sleep(0.005)
            wait.cancel()
            with pytest.raises(asyncio.CancelledError):
                await wait

        async_to_sync(waiting)()

        until(lambda: not lookout_threads())

    def test_one_whose_time_is_over_is_told_of_the_state(self):
        handle = JobHandle(add.enqueue(1).id)

        with pytest.raises(TimeoutError, match=f"job {handle.id} is still ready after 0.05"):
            async_to_sync(handle.finished)(0.05)


def finish_all(count: int) -> None:
    with beside(lambda: [finish_next(SUCCEEDED) for _ in range(count)]) as [done]:
        done.result(PATIENCE)
