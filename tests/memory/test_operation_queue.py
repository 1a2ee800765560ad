"""The operation queue with threads, which is its default."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from django_jobqueue import OperationQueue, RunnerState

from .operations import PATIENCE, Call, Held, started, states, until


class TestPerforming:
    def test_operations_are_performed_in_the_order_of_their_arrival(self):
        performed: list[int] = []

        with started() as queue:
            for number in range(1_000):
                queue.enqueue(Call(partial(performed.append, number)))

        assert performed == list(range(1_000))

    def test_what_is_enqueued_before_the_start_waits_for_it(self):
        queue, held = OperationQueue(), Held()
        held.may_end.set()
        queue.enqueue(held)
        assert not held.begun.is_set()

        queue.start(1)

        assert held.ended.wait(PATIENCE)
        queue.stop()
        assert queue.join(PATIENCE)

    def test_a_runner_performs_one_at_a_time(self):
        first, second = Held(), Held()
        second.may_end.set()
        order: list[bool] = []

        with started() as queue:
            queue.enqueue(first)
            queue.enqueue(Call(lambda: order.append(first.ended.is_set())))
            queue.enqueue(second)
            assert first.begun.wait(PATIENCE)
            assert not second.begun.is_set()
            first.may_end.set()

        assert order == [True]

    def test_several_runners_perform_at_the_same_time(self):
        meeting = threading.Barrier(3, timeout=PATIENCE)

        with started(3) as queue:
            for _ in range(3):
                queue.enqueue(Call(meeting.wait))

        assert not meeting.broken

    def test_every_start_adds_runners(self):
        meeting = threading.Barrier(3, timeout=PATIENCE)

        with started(1) as queue:
            queue.start(2)
            for _ in range(3):
                queue.enqueue(Call(meeting.wait))

        assert len(queue.runners) == 3
        assert not meeting.broken

    def test_an_operation_may_enqueue_another(self):
        last = Held()
        last.may_end.set()

        with started() as queue:
            queue.enqueue(Call(lambda: queue.enqueue(last)))
            assert last.ended.wait(PATIENCE)

    def test_an_async_operation_is_awaited_in_a_thread_too(self):
        loops: list[object] = []

        async def perform() -> None:
            await asyncio.sleep(0)
            loops.append(asyncio.get_running_loop())

        with started() as queue:
            for _ in range(2):
                queue.enqueue(Call(perform))

        assert len(loops) == 2
        assert loops[0] is loops[1]

    def test_a_backlog_is_drained_without_idle_waits(self):
        queue = OperationQueue()
        waited: list[RunnerState] = []

        def look() -> None:
            waited.extend(state for state in states(queue) if state is RunnerState.WAITING)

        for _ in range(1_000):
            queue.enqueue(Call(look))
        # While one still looks, the others have nothing left to do: what they take next holds them.
        at_the_end = threading.Barrier(4)
        for _ in range(4):
            queue.enqueue(Call(partial(at_the_end.wait, PATIENCE)))

        queue.start(4)
        queue.stop()

        assert queue.join(PATIENCE)
        assert waited == []

    def test_what_cannot_be_performed_is_refused(self):
        with pytest.raises(TypeError, match=r"int has no method perform\(\)"):
            OperationQueue().enqueue(1)

    def test_operations_of_many_threads_are_each_performed_once(self):
        performed: list[tuple[int, int]] = []

        def enqueue(sender: int) -> None:
            for number in range(500):
                queue.enqueue(Call(partial(performed.append, (sender, number))))

        with started(4) as queue, ThreadPoolExecutor(4) as senders:
            list(senders.map(enqueue, range(4)))

        assert sorted(performed) == [(s, n) for s in range(4) for n in range(500)]


class TestErrors:
    @pytest.mark.parametrize(
        "error",
        [
            ValueError("no"),
            KeyboardInterrupt(),
            SystemExit(3),
            StopIteration(),
            GeneratorExit(),
            asyncio.CancelledError(),
            ExceptionGroup("many", [ValueError()]),
        ],
        ids=lambda error: type(error).__name__,
    )
    @pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
    def test_an_operation_that_raises_costs_no_runner(self, caplog, error, is_async):
        def fail() -> None:
            raise error

        async def fail_async() -> None:
            raise error

        after = Held()
        after.may_end.set()
        with started() as queue:
            queue.enqueue(Call(fail_async if is_async else fail))
            queue.enqueue(after)
            assert after.ended.wait(PATIENCE)
            until(queue.idle)

        [told] = caplog.records
        assert told.getMessage() == "operation tests.memory.operations.Call failed"

    def test_a_spawn_that_fails_leaves_no_runner_behind(self):
        spawned: list[object] = []

        def spawn(runner: object) -> None:
            if spawned:
                raise RuntimeError("can't start new thread")
            spawned.append(runner)

        queue = OperationQueue(spawn=spawn)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            queue.start(3)

        assert states(queue) == ["pending", "stopped", "stopped"]

    def test_a_negative_number_of_runners_is_refused(self):
        with pytest.raises(ValueError, match=r"start\(-1\): a number of runners is not negative"):
            OperationQueue().start(-1)
