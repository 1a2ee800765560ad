"""The operation queue with threads, which is its default."""

import asyncio
import logging
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from django_jobqueue import OperationQueue, QueueClosed, QueueStopped, RunnerState
from django_jobqueue.memory.channel import Channel, Taker

from .operations import PATIENCE, Call, Held, started, until


def states(queue: OperationQueue) -> list[RunnerState]:
    return [runner.state for runner in queue.runners]


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


class TestStopping:
    def test_stop_returns_at_once_while_what_is_queued_is_still_performed(self):
        first, second = Held(), Held()
        second.may_end.set()
        queue = OperationQueue()
        queue.start(1)
        queue.enqueue(first)
        queue.enqueue(second)

        queue.stop()

        assert not second.begun.is_set()
        first.may_end.set()
        assert queue.join(PATIENCE)
        assert second.ended.is_set()

    def test_start_after_stop_is_refused(self):
        queue = OperationQueue()
        queue.stop()

        with pytest.raises(QueueStopped) as refused:
            queue.start(1)

        assert str(refused.value) == "the queue has been stopped and cannot be started again"
        assert queue.runners == ()

    def test_enqueue_after_stop_is_refused(self):
        queue = OperationQueue()
        queue.stop()

        with pytest.raises(QueueClosed) as refused:
            queue.enqueue(Held())

        told = "could not send operation to queue: sending into a closed channel"
        assert str(refused.value) == told

    def test_a_second_stop_only_warns(self, caplog):
        queue = OperationQueue()
        queue.stop()
        assert caplog.records == []

        queue.stop()

        [told] = caplog.records
        assert told.levelno == logging.WARNING
        assert "was stopped before" in told.getMessage()

    def test_a_start_of_no_runners_is_legal(self):
        queue = OperationQueue()

        queue.start(0)

        assert queue.runners == ()
        assert queue.idle()
        assert not queue.running()

    def test_stop_without_runners_performs_nothing_and_join_returns(self):
        queue, held = OperationQueue(), Held()
        queue.enqueue(held)

        queue.stop()

        assert queue.join(PATIENCE)
        assert not held.begun.is_set()

    def test_join_waits_no_longer_than_it_may(self):
        held = Held()
        with started() as queue:
            queue.enqueue(held)
            queue.stop()
            assert queue.join(0.01) is False
            held.may_end.set()

    def test_join_waits_for_a_stop(self):
        with started() as queue:
            assert queue.join(0.01) is False

    def test_operations_that_were_performed_are_not_kept_alive(self):
        operation = Call(lambda: None)
        gone = weakref.ref(operation)
        with started() as queue:
            queue.enqueue(operation)
            del operation
            until(queue.idle)
            until(lambda: gone() is None)


class TestLooking:
    def test_a_runner_is_pending_then_waiting_then_running_then_stopped(self):
        unborn: list[object] = []
        queue, held = OperationQueue(spawn=unborn.append), Held()
        queue.start(1)
        assert states(queue) == [RunnerState.PENDING]

        with ThreadPoolExecutor(1) as pool:
            pool.submit(unborn[0])
            until(lambda: states(queue) == [RunnerState.WAITING])
            queue.enqueue(held)
            assert held.begun.wait(PATIENCE)
            assert states(queue) == [RunnerState.RUNNING]
            held.may_end.set()
            until(lambda: states(queue) == [RunnerState.WAITING])
            queue.stop()
            assert queue.join(PATIENCE)
            assert states(queue) == [RunnerState.STOPPED]

    def test_running_is_whether_some_runner_has_not_stopped(self):
        held = Held()
        queue = OperationQueue()
        assert not queue.running()
        queue.start(2)
        queue.enqueue(held)
        assert queue.running()

        queue.stop()
        until(lambda: RunnerState.STOPPED in states(queue))
        assert queue.running()

        held.may_end.set()
        assert queue.join(PATIENCE)
        assert not queue.running()

    def test_a_pending_runner_is_running_and_not_idle(self):
        queue = OperationQueue(spawn=lambda runner: None)

        queue.start(1)

        assert queue.running()
        assert not queue.idle()

    def test_idle_is_whether_every_runner_waits(self):
        held = Held()
        queue = OperationQueue()
        assert queue.idle()

        with started(2) as queue:
            until(queue.idle)
            queue.enqueue(held)
            assert not queue.idle()
            held.may_end.set()
            until(queue.idle)

        assert queue.idle()

    def test_idle_is_false_from_the_moment_an_operation_is_accepted(self):
        with started() as queue:
            for _ in range(500):
                until(queue.idle)
                performed = threading.Event()
                queue.enqueue(Call(performed.set))
                assert performed.is_set() or not queue.idle() or performed.is_set()

    def test_a_runner_runs_once_only(self):
        queue = OperationQueue(spawn=lambda runner: None)
        queue.start(1)
        queue.stop()
        [runner] = queue.runners
        runner()

        with pytest.raises(RuntimeError, match="once only"):
            runner()


class TestSpawning:
    def test_a_pool_of_threads_may_run_the_runners(self):
        held = Held()
        held.may_end.set()
        with ThreadPoolExecutor(2) as pool, started(2, spawn=pool.submit) as queue:
            queue.enqueue(held)

        assert held.ended.is_set()

    def test_the_callers_own_thread_may_be_the_runner(self):
        performed: list[threading.Thread] = []
        queue = OperationQueue(spawn=lambda runner: None)
        queue.enqueue(Call(lambda: performed.append(threading.current_thread())))
        queue.start(1)
        queue.stop()

        queue.runners[0]()

        assert performed == [threading.current_thread()]

    def test_an_interrupt_of_a_waiting_runner_loses_no_operation(self):
        """Ctrl-C in a caller's own thread: the runner is gone, what it was to take is not."""
        channel, taker, operation = Channel(), Taker(), Held()
        channel.add([taker])
        ready = channel._next(taker)
        channel.send(operation)

        channel._decline(ready)

        channel.add([other := Taker()])
        assert channel.take(other) is operation
