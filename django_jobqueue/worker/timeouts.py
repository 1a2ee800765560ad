"""Ending handlers that run too long, or on after their cancellation, or when their worker ends:
interrupted first, and only while they run; given up where that does not help.
"""

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TypeVar

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.errors import JobCancelled, JobInterrupt, JobReleased, JobTimedOut
from django_jobqueue.store.transient import is_cancelled_statement

from .arming import Armed
from .connections import connections_of_thread
from .hands import HeldJob
from .marks import NO_MARKS, Marks
from .watching import Watching

Result = TypeVar("Result")
GiveUp = Callable[[HeldJob, type[JobInterrupt]], None]

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
    """Watches the deadlines of all handlers in the watching thread.

    A handler that still runs `grace` seconds after it was interrupted is given up. By when that
    must have been done is in the `marks`, for whoever can still act if nothing here can.
    """

    def __init__(self, watching: Watching, *, grace: float = 10.0, marks: Marks = NO_MARKS) -> None:
        self._watching, self._grace, self._marks = watching, grace, marks
        self._give_up: GiveUp = _nobody_listens

    def gives_up_to(self, give_up: GiveUp) -> None:
        """Say who is told, in the watching thread, that a handler did not end, and why it should
        have.
        """
        self._give_up = give_up

    def run(self, held: HeldJob, call: Callable[[], Result]) -> Result:
        """Return what `call` returns; in this thread, JobTimedOut is raised in it when it takes
        longer than the job may, JobCancelled when the job was cancelled and does not end, and
        JobReleased when its worker ends. The SQL that it waits for then is cancelled.
        """
        armed = Armed(threading.get_ident(), connections=connections_of_thread())
        held.armed = armed
        try:
            try:
                _refuse_late(held)
                if held.job.timeout_seconds is not None:
                    self._limit(held, held.job.timeout_seconds)
                return call()
            finally:
                armed.disarm()
        except JobInterrupt:
            # It may have come between the handler's last line and the disarming.
            armed.disarm()
            raise
        except Exception as error:
            if armed.because is not None and is_cancelled_statement(error):
                raise armed.because from error
            raise

    def watch(self, held: HeldJob) -> Armed:
        """Give the handler up when its event loop could not end it; who awaits it disarms it."""
        armed = held.armed = Armed(None)
        if held.job.timeout_seconds is not None:
            self._limit(held, held.job.timeout_seconds)
        return armed

    def cancel(self, held: HeldJob) -> None:
        """The running handler was asked to end, which it may do by itself for the grace."""
        # The loop has cancelled an async one at once.
        patience = 0.0 if held.handler.is_async else self._grace
        self._interrupt_after(patience, held, JobCancelled)

    def release(self, held: HeldJob) -> None:
        """The worker ends and will give this job back: interrupt its handler now."""
        held.interrupt()
        if held.is_runnable and not held.handler.is_async:
            self._watching.after(0.0, partial(self._fire, held, JobReleased))

    def _limit(self, held: HeldJob, seconds: float) -> None:
        seconds = bounded(seconds)
        self._marks.limit(held.place, until=monotonic() + seconds + self._grace)
        self._interrupt_after(seconds, held, JobTimedOut)

    def _interrupt_after(self, seconds: float, held: HeldJob, because: type[JobInterrupt]) -> None:
        self._watching.after(
            seconds, partial(self._interrupt, held, because), is_moot=partial(_has_ended, held)
        )

    def _interrupt(self, held: HeldJob, because: type[JobInterrupt]) -> None:
        if self._fire(held, because):
            self._watching.after(
                self._grace, partial(self._answer_for, held), is_moot=partial(_has_ended, held)
            )

    def _fire(self, held: HeldJob, because: type[JobInterrupt]) -> bool:
        # Not armed yet: it was cancelled, or released, before it began, and it will not.
        return held.armed is not None and held.armed.fire(because)

    def _answer_for(self, held: HeldJob) -> None:
        armed = held.armed
        if armed is not None and armed.because is not None and armed.give_up():
            self._give_up(held, armed.because)


def _refuse_late(held: HeldJob) -> None:
    """What came before the handler was armed could not be raised in it."""
    if held.is_cancelled:
        raise JobCancelled
    if held.interrupted:
        raise JobReleased


def _has_ended(held: HeldJob) -> bool:
    return held.handler_has_ended
