"""Calls that are made later."""

import logging
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from threading import Condition, Thread

from django_jobqueue.core.clock import monotonic

#: Nobody can be told to wait for much longer at once.
LONGEST_WAIT = 86_400.0

logger = logging.getLogger("django_jobqueue.memory")


class Timer:
    """Makes calls when their time has come, the earliest first, from one thread of its own.

    Calls may be set before `start()`; their time runs from when they were set. They must be short.
    """

    def __init__(self, *, elapsed: Callable[[], float] = monotonic) -> None:
        self._elapsed = elapsed
        self._changed = Condition()
        # The number keeps two calls of one time in the order in which they were set.
        self._calls: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count()
        self._is_stopped = False
        self._thread = Thread(target=self._run, name="jobqueue-timer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def call_after(self, seconds: float, call: Callable[[], object]) -> None:
        """Make `call` once `seconds` are over; never once the timer was stopped."""
        with self._changed:
            heappush(self._calls, (self._elapsed() + seconds, next(self._numbers), call))
            self._changed.notify()

    def stop(self) -> None:
        """Forget all calls; one that is just being made goes on."""
        with self._changed:
            self._is_stopped = True
            self._calls.clear()
            self._changed.notify()

    def join(self) -> None:
        """Wait until the thread has ended, if it was started."""
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while (call := self._next()) is not None:
            try:
                call()
            except Exception:
                logger.exception("a delayed call failed")

    def _next(self) -> Callable[[], object] | None:
        """Wait for the next call that is due; None once stopped."""
        with self._changed:
            while not self._is_stopped:
                left = self._calls[0][0] - self._elapsed() if self._calls else None
                if left is not None and left <= 0:
                    return heappop(self._calls)[2]
                self._changed.wait(None if left is None else min(left, LONGEST_WAIT))
        return None
