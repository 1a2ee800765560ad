"""How an operation queue stops, what it tells of itself, and who runs its runners."""

import logging
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from django_jobqueue import OperationQueue, QueueClosed, QueueStopped, RunnerState
from django_jobqueue.memory.channel import Channel, Taker

from .operations import PATIENCE, Call, Held, started, states, until


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

    def test_a_runner_that_finds_an_operation_waiting_for_it_is_running(self):
        queue, held = OperationQueue(), Held()
        queue.enqueue(held)
        queue.start(1)
        assert held.begun.wait(PATIENCE)

        assert states(queue) == [RunnerState.RUNNING]

        held.may_end.set()
        queue.stop()
        assert queue.join(PATIENCE)

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
