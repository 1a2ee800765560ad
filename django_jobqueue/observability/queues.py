"""The numbers of queues, as the database said a moment ago: nobody who asks for metrics waits for
it twice.
"""

from collections.abc import Callable, Sequence
from threading import Lock

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.health import Health
from django_jobqueue.jobs.health import queues_health
from django_jobqueue.service import TickingTask

Look = Callable[[], Health]


class QueueLook:
    """What was seen last, for `FRESH_SECONDS` without another look, and never after
    `STALE_SECONDS`: an old number would be a lie.
    """

    FRESH_SECONDS, STALE_SECONDS = 15.0, 60.0

    def __init__(self, look: Look, *, elapsed: Callable[[], float] = monotonic) -> None:
        self._look, self._elapsed = look, elapsed
        self._looking = Lock()
        self._seen: Health | None = None
        self._seen_at = self._tried_at = float("-inf")

    def refresh(self) -> None:
        """Look now; an error is the caller's to tell."""
        self._tried_at = self._elapsed()
        self._seen = self._look()
        self._seen_at = self._elapsed()

    def refresh_if_old(self) -> None:
        """Look, unless somebody has, or does just now."""
        if self._elapsed() - self._tried_at < self.FRESH_SECONDS:
            return
        if self._looking.acquire(blocking=False):
            try:
                self.refresh()
            finally:
                self._looking.release()

    def latest(self) -> Health | None:
        """Return what was seen last; None if that is too long ago."""
        is_fresh = self._elapsed() - self._seen_at < self.STALE_SECONDS
        return self._seen if is_fresh else None


class QueueSampling(TickingTask):
    """Looks in a worker, so that who asks for its metrics asks no database."""

    id = "queue-sampling"

    def __init__(self, look: QueueLook, *, after_tick: Callable[[], object]) -> None:
        super().__init__(interval=QueueLook.FRESH_SECONDS, after_tick=after_tick)
        self._queue_look = look

    def tick(self) -> None:
        self._queue_look.refresh()


def look_at(choose: Callable[[Sequence[str]], Sequence[str]]) -> Look:
    """Return a look at the queues that `choose` picks."""
    return lambda: queues_health(choose)
