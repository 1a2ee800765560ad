"""Ending a sync handler that runs too long: an exception raised in its thread, and only while the
handler runs.
"""

import ctypes
import heapq
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.errors import JobInterrupt, JobTimedOut


def bounded(seconds: float) -> float:
    """Return a timeout that can be waited for: by hand, a row may have been given an infinite one,
    or NaN.
    """
    return min(threading.TIMEOUT_MAX, seconds)  # in this order: of NaN and a number, the number


class Armed:
    """One handler running in one thread; the exception can reach it until it is disarmed.

    https://docs.python.org/3/c-api/threads.html#c.PyThreadState_SetAsyncExc
    """

    def __init__(self) -> None:
        self._thread_id: int | None = threading.get_ident()
        self._lock = threading.Lock()
        self.fired = False

    @property
    def is_armed(self) -> bool:
        return self._thread_id is not None

    def fire(self, interrupt: type[JobInterrupt]) -> bool:
        """Raise `interrupt` in the handler's thread, once; False if the handler has ended."""
        with self._lock:
            if self._thread_id is None or self.fired:
                return False
            self.fired = True
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._thread_id), ctypes.py_object(interrupt)
            )
            return True

    def disarm(self) -> None:
        """Called in the handler's thread: nothing can be raised in it from now on."""
        with self._lock:
            if self.fired and self._thread_id is not None:
                # Not delivered yet: take it back, so that it does not hit the worker's own code.
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread_id), None)
            self._thread_id = None


class TimeoutWatch:
    """One thread that watches the deadlines of all sync handlers; it runs only while somebody has
    one.
    """

    LEAST_KEPT = 64

    def __init__(self, *, elapsed: Callable[[], float] = monotonic) -> None:
        self._elapsed = elapsed
        self._changed = threading.Condition()
        self._deadlines: list[tuple[float, int, Armed]] = []
        self._numbers = count()
        self._most_kept = self.LEAST_KEPT
        self._thread: threading.Thread | None = None
        self._stopped = False

    @contextmanager
    def limit(self, seconds: float) -> Iterator[Armed]:
        """Raise JobTimedOut in the block, in this thread, when it takes longer than `seconds`."""
        armed = Armed()
        self._add(self._elapsed() + bounded(seconds), armed)
        try:
            try:
                yield armed
            finally:
                armed.disarm()
        except JobInterrupt:
            # It may have come between the handler's last line and the disarming.
            armed.disarm()
            raise

    def stop(self) -> None:
        """End the watching thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _add(self, deadline: float, armed: Armed) -> None:
        with self._changed:
            self._forget_the_disarmed()
            heapq.heappush(self._deadlines, (deadline, next(self._numbers), armed))
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._watch, name="jobqueue-timeouts", daemon=True
                )
                self._thread.start()
            self._changed.notify()

    def _forget_the_disarmed(self) -> None:
        """Most handlers end before their time: what is kept must not grow with them."""
        if len(self._deadlines) > self._most_kept:
            self._deadlines = [entry for entry in self._deadlines if entry[2].is_armed]
            heapq.heapify(self._deadlines)
            self._most_kept = max(self.LEAST_KEPT, 2 * len(self._deadlines))

    def _watch(self) -> None:
        with self._changed:
            while not self._stopped:
                now = self._elapsed()
                while self._deadlines and self._deadlines[0][0] <= now:
                    heapq.heappop(self._deadlines)[2].fire(JobTimedOut)
                wait = self._deadlines[0][0] - now if self._deadlines else None
                self._changed.wait(wait)
