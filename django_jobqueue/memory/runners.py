"""What performs the operations of a queue."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import count
from threading import Thread
from typing import Any, TypeVar

from django_jobqueue.core.error_text import type_name

from .channel import Channel, Operation, RunnerState, Taker

logger = logging.getLogger("django_jobqueue.memory")

_numbers = count(1)
T = TypeVar("T")


class Runner(Taker):
    """Performs the operations of one queue, one at a time, until it is stopped and empty.

    Call it to do so in this thread, await it to do so in this event loop; either once. What an
    operation raises, KeyboardInterrupt included, is logged. In a thread, operations that are async
    run in an event loop of the runner's own; in an event loop, sync ones run in a thread of its
    own.
    """

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def __call__(self) -> None:
        self._begin()
        with ExitStack() as stack:
            stack.callback(self._channel.leave, self)
            loop = asyncio.Runner()
            stack.callback(loop.close)  # opened by its first use only
            while (operation := self._channel.take(self)) is not None:
                _report(operation, _performed(operation, loop))
                del operation  # or it would live on while the next one is waited for

    def __await__(self) -> Generator[Any, Any, None]:
        return self._run().__await__()

    async def _run(self) -> None:
        self._begin()
        with ExitStack() as stack:
            stack.callback(self._channel.leave, self)
            thread = ThreadPoolExecutor(1, thread_name_prefix="jobqueue-operation")
            stack.callback(thread.shutdown, wait=False)
            while (operation := await self._channel.take_async(self)) is not None:
                _report(operation, await _performed_async(operation, thread))
                del operation
            thread.shutdown()  # it is idle; where this was cancelled, it may not be

    def _begin(self) -> None:
        if self.state is not RunnerState.PENDING:
            raise RuntimeError("a runner can be run once only")


def in_thread(runner: Runner) -> Thread:
    """Run it in a thread, which keeps no process from ending."""
    thread = Thread(target=runner, name=f"jobqueue-runner-{next(_numbers)}", daemon=True)
    thread.start()
    return thread


def _performed(operation: Operation, loop: asyncio.Runner) -> BaseException | None:
    """Perform it in this thread; return what it raised."""
    answer, error = _called(operation.perform)
    if inspect.isawaitable(answer):
        raised, error = _called(partial(loop.run, _awaited(answer)))
        return error if raised is None else raised
    return error


async def _performed_async(
    operation: Operation, thread: ThreadPoolExecutor
) -> BaseException | None:
    """Perform it in this event loop, or beside it; return what it raised."""
    if inspect.iscoroutinefunction(operation.perform):
        return await _awaited(operation.perform())
    loop = asyncio.get_running_loop()
    answer, error = await loop.run_in_executor(thread, _called, operation.perform)
    return await _awaited(answer) if inspect.isawaitable(answer) else error


def _called(call: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    """Return the answer, or the error as a value: futures cannot carry every exception."""
    try:
        return call(), None
    except BaseException as error:
        return None, error


async def _awaited(answer: Awaitable[object]) -> BaseException | None:
    try:
        await answer
    except GeneratorExit:
        raise  # the event loop is gone, and this coroutine with it
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise  # the runner itself is being cancelled, not an operation giving up
        return error
    except BaseException as error:
        return error
    return None


def _report(operation: Operation, error: BaseException | None) -> None:
    if error is not None:
        logger.error("operation %s failed", type_name(type(operation)), exc_info=error)
