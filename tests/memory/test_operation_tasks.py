"""The operation queue with tasks of an event loop."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from django_jobqueue import OperationQueue, RunnerState

from .operations import PATIENCE, Call


@asynccontextmanager
async def started(runners: int = 1) -> AsyncIterator[OperationQueue]:
    queue = OperationQueue(spawn=asyncio.ensure_future)
    queue.start(runners)
    try:
        yield queue
    finally:
        queue.stop()
        assert await queue.ajoin(PATIENCE)


async def until_idle(queue: OperationQueue) -> None:
    async with asyncio.timeout(PATIENCE):
        while not queue.idle():
            await asyncio.sleep(0)


def test_async_operations_are_performed_in_the_callers_event_loop_in_order():
    performed: list[tuple[int, asyncio.AbstractEventLoop]] = []

    async def perform(number: int) -> None:
        await asyncio.sleep(0)
        performed.append((number, asyncio.get_running_loop()))

    async def main() -> asyncio.AbstractEventLoop:
        async with started() as queue:
            for number in range(100):
                queue.enqueue(Call(partial(perform, number)))
        return asyncio.get_running_loop()

    loop = asyncio.run(main())

    assert performed == [(number, loop) for number in range(100)]


def test_several_runners_perform_at_the_same_time():
    async def main() -> None:
        meeting = asyncio.Barrier(3)
        async with started(3) as queue, asyncio.timeout(PATIENCE):
            for _ in range(3):
                queue.enqueue(Call(meeting.wait))

    asyncio.run(main())


def test_a_sync_operation_does_not_block_the_event_loop():
    threads: list[threading.Thread] = []

    async def main() -> None:
        may_end = threading.Event()

        def perform() -> None:
            threads.append(threading.current_thread())
            assert may_end.wait(PATIENCE)

        async with started() as queue:
            queue.enqueue(Call(perform))
            queue.enqueue(Call(perform))
            await asyncio.sleep(0)
            may_end.set()

    asyncio.run(main())

    first, second = threads
    assert first is second is not threading.current_thread()


def test_more_runners_than_processors_perform_sync_operations_at_the_same_time():
    meeting = threading.Barrier(40, timeout=PATIENCE)

    async def main() -> None:
        async with started(40) as queue:
            for _ in range(40):
                queue.enqueue(Call(meeting.wait))

    asyncio.run(main())

    assert not meeting.broken


def test_a_sync_operation_may_answer_with_something_to_await():
    performed: list[str] = []

    async def later() -> None:
        performed.append(threading.current_thread().name)

    async def main() -> None:
        async with started() as queue:
            queue.enqueue(Call(lambda: later()))

    asyncio.run(main())

    assert performed == [threading.current_thread().name]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        KeyboardInterrupt(),
        SystemExit(3),
        StopIteration(),
        asyncio.CancelledError(),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_an_operation_that_raises_costs_no_runner(caplog, error, is_async):
    def fail() -> None:
        raise error

    async def fail_async() -> None:
        raise error

    async def main() -> None:
        async with started() as queue:
            queue.enqueue(Call(fail_async if is_async else fail))
            queue.enqueue(Call(after.set))

    after = threading.Event()
    asyncio.run(main())

    assert after.is_set()
    assert [told.getMessage() for told in caplog.records] == [
        "operation tests.memory.operations.Call failed"
    ]


def test_other_threads_may_enqueue():
    async def main() -> None:
        performed = asyncio.Event()

        async def perform() -> None:
            performed.set()

        async with started() as queue, asyncio.timeout(PATIENCE):
            await until_idle(queue)
            thread = threading.Thread(target=queue.enqueue, args=(Call(perform),))
            thread.start()
            await performed.wait()
            thread.join()

    asyncio.run(main())


def test_a_backlog_of_operations_that_never_wait_lets_the_event_loop_breathe():
    turns: list[str] = []

    async def perform() -> None:
        turns.append("operation")

    async def main() -> None:
        async with started() as queue:
            for _ in range(10):
                queue.enqueue(Call(perform))
            while len(turns) < 15:
                turns.append("somebody else")
                await asyncio.sleep(0)

    asyncio.run(main())

    assert "somebody else" in turns[turns.index("operation") : 10]


def test_a_runner_that_is_cancelled_while_it_waits_has_stopped():
    async def main() -> OperationQueue:
        queue = OperationQueue(spawn=asyncio.ensure_future)
        queue.start(1)
        await until_idle(queue)
        [runner] = queue.runners
        runner.spawned.cancel()
        await asyncio.wait([runner.spawned])
        return queue

    queue = asyncio.run(main())

    assert [runner.state for runner in queue.runners] == [RunnerState.STOPPED]
    assert not queue.running()


def test_an_operation_that_was_on_its_way_to_a_cancelled_runner_is_performed_by_another():
    async def main() -> None:
        performed = asyncio.Event()

        async def perform() -> None:
            performed.set()

        queue = OperationQueue(spawn=asyncio.ensure_future)
        queue.start(1)
        await until_idle(queue)
        queue.enqueue(Call(perform))  # handed over; the task has not heard of it yet
        queue.runners[0].spawned.cancel()
        await asyncio.wait([queue.runners[0].spawned])
        assert not performed.is_set()

        queue.start(1)
        async with asyncio.timeout(PATIENCE):
            await performed.wait()
        queue.stop()
        assert await queue.ajoin(PATIENCE)

    asyncio.run(main())


def test_a_runner_that_is_cancelled_amid_an_operation_ends():
    async def main() -> None:
        begun = asyncio.Event()

        async def perform() -> None:
            begun.set()
            await asyncio.Event().wait()

        queue = OperationQueue(spawn=asyncio.ensure_future)
        queue.start(1)
        queue.enqueue(Call(perform))
        await begun.wait()
        queue.runners[0].spawned.cancel()
        await asyncio.wait([queue.runners[0].spawned])
        assert queue.runners[0].spawned.cancelled()

    asyncio.run(main())


def test_joining_waits_no_longer_than_it_may():
    async def main() -> bool:
        async with started() as queue:
            return await queue.ajoin(0.01)

    assert asyncio.run(main()) is False
