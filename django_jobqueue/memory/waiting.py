"""Waiting for one moment, in threads and in event loops alike."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import suppress
from threading import Lock
from typing import Any

from django_jobqueue.core.clock import Seconds, monotonic, seconds_of

#: A thread that waits looks up this often: what is raised in it meanwhile is raised only then.
LOOK_SECONDS = 1.0


class Moment:
    """Something that comes once. Threads `wait()` for it, coroutines await it; all who do so wake
    together.

    `come()` takes no lock, so that it may be called from a destructor: those run wherever the
    garbage collector finds them, amid `wait()` of the same thread too.
    """

    __slots__ = ("_has_come", "_wakers")

    def __init__(self) -> None:
        self._has_come = False
        # Entries are added and taken with single operations of the dictionary, which are atomic.
        self._wakers: dict[object, Callable[[], object]] = {}

    @property
    def has_come(self) -> bool:
        return self._has_come

    def come(self) -> None:
        """Wake all who wait, and let nobody wait any more."""
        self._has_come = True
        while self._wakers:
            with suppress(KeyError):  # the last waiter gave up just now
                _, wake = self._wakers.popitem()
                wake()

    def wait(self, timeout: Seconds | None = None) -> bool:
        """Block this thread until it comes; False if `timeout` was over first."""
        deadline = None if timeout is None else monotonic() + seconds_of(timeout)
        # One lock for each waiter: one that is interrupted cannot keep the others from waking.
        asleep = Lock()
        asleep.acquire()
        self._wakers[asleep] = asleep.release
        try:
            while not self._has_come:  # it may have come before the waker was there
                left = LOOK_SECONDS if deadline is None else deadline - monotonic()
                if left <= 0:
                    break
                if asleep.acquire(timeout=min(left, LOOK_SECONDS)):
                    break
        finally:
            self._wakers.pop(asleep, None)
        return self._has_come

    def __await__(self) -> Generator[Any, Any, None]:
        return self._awaited().__await__()

    async def _awaited(self) -> None:
        loop = asyncio.get_running_loop()
        awake: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            with suppress(RuntimeError):  # its event loop is closed, and nobody waits there
                loop.call_soon_threadsafe(_resolve, awake)

        self._wakers[awake] = wake
        try:
            if not self._has_come:
                await awake
        finally:
            self._wakers.pop(awake, None)

    async def wait_async(self, timeout: Seconds | None = None) -> bool:
        """As `wait`, without blocking the event loop."""
        try:
            async with asyncio.timeout(None if timeout is None else seconds_of(timeout)):
                await self
        except TimeoutError:
            return self._has_come
        return True


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
