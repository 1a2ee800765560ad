"""Ending handlers that run too long, or on after their cancellation: interrupted first, and only
while they run; given up where that does not help.
"""

import heapq
import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import TypeVar

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.errors import JobCancelled, JobInterrupt, JobTimedOut

from .arming import Armed
from .hands import HeldJob

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
GiveUp = Callable[[HeldJob, type[JobInterrupt]], None]
#: What to do when: raise this in the handler, or, for None, give it up.
Step = type[JobInterrupt] | None

#: A job with a timeout that has waited so long in its worker is not started there any more.
LATEST_START_SECONDS = 30.0
#: What else may keep a worker that lives from writing what came of a job.
SLACK_SECONDS = 30.0


def overtime(grace: timedelta) -> timedelta:
    """Return how long after its timeout, counted from the claim, a job is left to its worker."""
    return timedelta(seconds=LATEST_START_SECONDS + SLACK_SECONDS) + grace


def bounded(seconds: float) -> float:
    """Return a timeout that can be waited for: by hand, a row may have been given an infinite one,
    or NaN.
    """
    return min(threading.TIMEOUT_MAX, seconds)  # in this order: of NaN and a number, the number


def _nobody_listens(held: HeldJob, because: type[JobInterrupt]) -> None:
    raise RuntimeError("a watch needs gives_up_to() before a handler outlives its grace")


class TimeoutWatch:
    """One thread that watches the deadlines of all handlers; it runs only once somebody has one.

    A handler that still runs `grace` seconds after it was interrupted is given up.
    """

    LEAST_KEPT = 64

    def __init__(self, *, grace: float = 10.0, elapsed: Callable[[], float] = monotonic) -> None:
        self._grace, self._elapsed = grace, elapsed
        self._give_up: GiveUp = _nobody_listens
        self._changed = threading.Condition()
        self._deadlines: list[tuple[float, int, HeldJob, Step]] = []
        self._numbers = count()
        self._most_kept = self.LEAST_KEPT
        self._thread: threading.Thread | None = None
        self._stopped = False

    def gives_up_to(self, give_up: GiveUp) -> None:
        """Say who is told, in the watching thread, that a handler did not end, and why it should
        have.
        """
        self._give_up = give_up

    def run(self, held: HeldJob, call: Callable[[], Result]) -> Result:
        """Return what `call` returns; in this thread, JobTimedOut is raised in it when it takes
        longer than the job may, and JobCancelled when the job was cancelled and does not end.
        """
        armed = held.armed = Armed(threading.get_ident())
        try:
            try:
                self._limit(held)
                return call()
            finally:
                armed.disarm()
        except JobInterrupt:
            # It may have come between the handler's last line and the disarming.
            armed.disarm()
            raise

    def watch(self, held: HeldJob) -> Armed:
        """Give the handler up when its event loop could not end it; who awaits it disarms it."""
        armed = held.armed = Armed(None)
        self._limit(held)
        return armed

    def cancel(self, held: HeldJob) -> None:
        """The running handler was asked to end, which it may do by itself for the grace."""
        # The loop has cancelled an async one at once.
        patience = 0.0 if held.handler.is_async else self._grace
        self._add(self._elapsed() + patience, held, JobCancelled)

    def stop(self) -> None:
        """End the watching thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _limit(self, held: HeldJob) -> None:
        if (seconds := held.job.timeout_seconds) is not None:
            self._add(self._elapsed() + bounded(seconds), held, JobTimedOut)

    def _add(self, moment: float, held: HeldJob, step: Step) -> None:
        with self._changed:
            self._forget_what_has_ended()
            heapq.heappush(self._deadlines, (moment, next(self._numbers), held, step))
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._watch, name="jobqueue-timeouts", daemon=True
                )
                self._thread.start()
            self._changed.notify()

    def _forget_what_has_ended(self) -> None:
        """Most handlers end before their time: what is kept must not grow with them."""
        if len(self._deadlines) > self._most_kept:
            self._deadlines = [entry for entry in self._deadlines if not entry[2].handler_has_ended]
            heapq.heapify(self._deadlines)
            self._most_kept = max(self.LEAST_KEPT, 2 * len(self._deadlines))

    def _watch(self) -> None:
        while (due := self._next_due()) is not None:
            try:
                self._take(*due)
            except Exception:
                # All other handlers depend on this thread.
                logger.exception("giving up the handler of job %s failed", due[0].job.id)

    def _next_due(self) -> tuple[HeldJob, Step] | None:
        """Wait for it; None once the watch was stopped."""
        with self._changed:
            while not self._stopped:
                left = self._deadlines[0][0] - self._elapsed() if self._deadlines else None
                if left is not None and left <= 0:
                    _, _, held, step = heapq.heappop(self._deadlines)
                    return held, step
                self._changed.wait(left)
        return None

    def _take(self, held: HeldJob, step: Step) -> None:
        if (armed := held.armed) is None:
            return  # cancelled before it began: it will not
        if step is not None:
            if armed.fire(step):
                self._add(self._elapsed() + self._grace, held, None)
        elif armed.because is not None and armed.give_up():
            self._give_up(held, armed.because)
