"""Waiting for one moment, in threads and in event loops."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from django_jobqueue.memory.waiting import Moment

from .operations import PATIENCE, until


def waiting(moment: Moment, number: int, pool: ThreadPoolExecutor) -> list["Future[bool]"]:
    """Let so many threads wait, and return once they do."""
    waits = [pool.submit(moment.wait, PATIENCE) for _ in range(number)]
    until(lambda: len(moment._wakers) == number)
    return waits


def test_what_has_come_is_not_waited_for():
    moment = Moment()
    assert not moment.has_come

    moment.come()

    assert moment.has_come
    assert moment.wait(0)
    assert asyncio.run(moment.wait_async(0))


def test_all_threads_wake_together():
    moment = Moment()
    with ThreadPoolExecutor(20) as pool:
        waits = waiting(moment, 20, pool)

        moment.come()

        assert [wait.result(PATIENCE) for wait in waits] == [True] * 20


def test_coroutines_wake_when_it_comes_in_another_thread():
    moment = Moment()

    async def main() -> list[bool]:
        async with asyncio.TaskGroup() as group:
            waits = [group.create_task(moment.wait_async(PATIENCE)) for _ in range(20)]
            await asyncio.sleep(0)
            thread = threading.Thread(target=moment.come)
            thread.start()
        thread.join()
        return [wait.result() for wait in waits]

    assert asyncio.run(main()) == [True] * 20


@pytest.mark.parametrize(
    "wait", [Moment.wait, lambda moment, span: asyncio.run(moment.wait_async(span))]
)
def test_a_wait_that_was_too_long_leaves_nothing_behind(wait: Callable[[Moment, float], bool]):
    moment = Moment()

    assert wait(moment, 0.01) is False

    assert not moment._wakers


def test_a_waiter_whose_event_loop_is_closed_harms_nobody():
    moment, loop = Moment(), asyncio.new_event_loop()
    task = loop.create_task(moment.wait_async())
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()

    with ThreadPoolExecutor(1) as pool:
        [other] = waiting_beside(moment, pool)
        moment.come()
        assert other.result(PATIENCE)

    task._log_destroy_pending = False


def waiting_beside(moment: Moment, pool: ThreadPoolExecutor) -> list["Future[bool]"]:
    before = len(moment._wakers)
    wait = pool.submit(moment.wait, PATIENCE)
    until(lambda: len(moment._wakers) == before + 1)
    return [wait]


def test_it_may_come_amid_the_wait_of_the_same_thread():
    """As a destructor does that the garbage collector runs there."""

    class Interrupted(dict):
        def __setitem__(self, key, wake):
            super().__setitem__(key, wake)
            moment.come()

    moment = Moment()
    moment._wakers = Interrupted()

    assert moment.wait(PATIENCE)


def test_it_may_come_between_the_look_and_the_wait():
    class Interrupted(dict):
        def __setitem__(self, key, wake):
            moment.come()
            super().__setitem__(key, wake)

    moment = Moment()
    moment._wakers = Interrupted()

    assert moment.wait()  # or for ever


def test_no_waiter_is_missed_however_the_threads_meet():
    with ThreadPoolExecutor(8) as pool:
        for _ in range(300):
            moment = Moment()
            together = threading.Barrier(5, timeout=PATIENCE)

            def wait(moment: Moment = moment, together: threading.Barrier = together) -> bool:
                together.wait()
                return moment.wait(PATIENCE)

            def come(moment: Moment = moment, together: threading.Barrier = together) -> bool:
                together.wait()
                moment.come()
                return True

            waits = [pool.submit(call) for call in (wait, wait, wait, wait, come)]
            assert all(done.result(PATIENCE) for done in waits)
