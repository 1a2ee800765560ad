"""A queue of operations in memory: performed in the order of their arrival, by n runners."""

import logging
from collections.abc import Callable, Sequence
from threading import Thread

from django_jobqueue.core.clock import Seconds
from django_jobqueue.core.error_text import type_name

from .channel import Channel, Operation, RunnerState, Taker
from .runners import Runner, in_thread

logger = logging.getLogger("django_jobqueue.memory")

Spawn = Callable[[Runner], object]


class OperationQueue:
    """Performs whatever has a `perform()`, sync or async, in the order in which it was enqueued.

    `spawn` starts a runner: a thread of its own by default, `asyncio.ensure_future` for a task of
    the running event loop, `executor.submit` for a pool; or whatever calls the runner, or awaits
    it. Every method may be called from any thread.
    """

    def __init__(self, *, spawn: Spawn = in_thread) -> None:
        self._spawn = spawn
        self._channel = Channel()

    @property
    def runners(self) -> Sequence[Taker]:
        """Every runner that was ever started, each with its `state`."""
        return self._channel.takers

    def enqueue(self, operation: Operation) -> None:
        """Put an operation at the end of the queue; QueueClosed once the queue was stopped.

        It may be enqueued before the first runner is started, and waits for it then.
        """
        if not callable(getattr(operation, "perform", None)):
            raise TypeError(f"{type_name(type(operation))} has no method perform()")
        self._channel.send(operation)

    def start(self, runners: int) -> None:
        """Add this many runners to those there are; QueueStopped once the queue was stopped."""
        if runners < 0:
            raise ValueError(f"start({runners}): a number of runners is not negative")
        added = [Runner(self._channel) for _ in range(runners)]
        self._channel.add(added)
        for position, runner in enumerate(added):
            try:
                runner.spawned = self._spawn(runner)
            except BaseException:
                for unborn in added[position:]:
                    self._channel.leave(unborn)
                raise

    def stop(self) -> None:
        """Take no more operations, for good; return at once.

        What is queued is still performed, if there is a runner. A second stop does nothing but
        warn in the log.
        """
        if not self._channel.close():
            logger.warning("the operation queue was stopped before; stopping it again does nothing")

    def join(self, timeout: Seconds | None = None) -> bool:
        """Wait until the queue was stopped and its runners have performed the rest.

        False if `timeout` was over first. In an event loop await `ajoin`.
        """
        has_ended = self._channel.ended.wait(timeout)
        if has_ended:
            self._let_threads_end()
        return has_ended

    async def ajoin(self, timeout: Seconds | None = None) -> bool:
        """As `join`, without blocking the event loop."""
        has_ended = await self._channel.ended.wait_async(timeout)
        if has_ended:
            self._let_threads_end()
        return has_ended

    def running(self) -> bool:
        """Whether some runner has not stopped."""
        return any(state is not RunnerState.STOPPED for state in self._channel.states())

    def idle(self) -> bool:
        """Whether every runner that has not stopped waits for an operation; true without runners.

        While there is a runner, true means that nothing is queued and nothing being performed.
        """
        return all(
            state in (RunnerState.WAITING, RunnerState.STOPPED) for state in self._channel.states()
        )

    def _let_threads_end(self) -> None:
        """Wait for the threads of runners that have stopped: they have nothing left to do."""
        for runner in self._channel.takers:
            if isinstance(runner.spawned, Thread):
                runner.spawned.join()
