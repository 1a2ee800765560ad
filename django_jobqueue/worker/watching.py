"""The watching thread: what has to be done at a time, whatever handlers do meanwhile."""

import heapq
import logging
import threading
from collections.abc import Callable
from itertools import count

from django_jobqueue.core.clock import monotonic

logger = logging.getLogger(__name__)

Action = Callable[[], object]


def _never() -> bool:
    return False


class Watching:
    """One thread that does each thing when its time has come; it runs only once there is one."""

    LEAST_KEPT = 64

    def __init__(self, *, elapsed: Callable[[], float] = monotonic) -> None:
        self._elapsed = elapsed
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Action, Callable[[], bool]]] = []
        self._numbers = count()
        self._most_kept = self.LEAST_KEPT
        self._thread: threading.Thread | None = None
        self._stopped = False

    def __len__(self) -> int:
        return len(self._due)

    def after(
        self, seconds: float, action: Action, *, is_moot: Callable[[], bool] = _never
    ) -> None:
        """Do it in the watching thread, where it must not wait for long; from any thread.

        What is moot by then may be forgotten, or be done all the same.
        """
        with self._changed:
            self._forget_what_is_moot()
            moment = self._elapsed() + seconds
            heapq.heappush(self._due, (moment, next(self._numbers), action, is_moot))
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._watch, name="jobqueue-watching", daemon=True
                )
                self._thread.start()
            self._changed.notify()

    def stop(self) -> None:
        """End the thread; what was to be done later is not."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _forget_what_is_moot(self) -> None:
        """Most handlers end before their time: what is kept must not grow with them."""
        if len(self._due) > self._most_kept:
            self._due = [entry for entry in self._due if not entry[3]()]
            heapq.heapify(self._due)
            self._most_kept = max(self.LEAST_KEPT, 2 * len(self._due))

    def _watch(self) -> None:
        while (action := self._next()) is not None:
            try:
                action()
            except Exception:
                # All other handlers depend on this thread.
                logger.exception("%r failed", action)

    def _next(self) -> Action | None:
        """Wait for it; None once the thread is to end."""
        with self._changed:
            while not self._stopped:
                left = self._due[0][0] - self._elapsed() if self._due else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(left)
        return None
