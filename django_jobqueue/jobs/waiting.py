"""Waiting for a job: a few looks of one's own, then those of the lookout."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain, repeat
from threading import Event
from typing import Literal, Protocol

from django.db import transaction

from django_jobqueue.core.clock import Seconds, monotonic, seconds_of
from django_jobqueue.core.snapshots import JobSnapshot
from django_jobqueue.core.states import JobState

from .lookout import Wait, lookouts
from .site import site_store

#: "attempted": until the first attempt is over, whatever came of it.
Until = Literal["finished", "attempted"]
_ATTEMPTS: dict[str, int | None] = {"finished": None, "attempted": 1}
#: Quick jobs are over by then, and need no lookout.
FIRST_PAUSES = (0.005, 0.01)


class Rest(Protocol):
    """What lies between two looks."""

    def rest(self) -> None:
        """Block this thread."""

    async def arest(self) -> None:
        """Leave the event loop free."""


class Pause:
    """A time that nothing ends."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def rest(self) -> None:
        # An event that nobody sets: the banned time.sleep() in a form freezegun leaves alone.
        Event().wait(self._seconds)

    async def arest(self) -> None:
        await asyncio.sleep(self._seconds)


class Watched:
    """The time until the lookout says that the wait is over, or else `seconds`."""

    def __init__(self, wait: Wait, *, seconds: float | None) -> None:
        self._wait, self._seconds = wait, seconds

    def rest(self) -> None:
        lookout = lookouts.look_out_for(self._wait)
        try:
            self._wait.over.wait(self._seconds)
        finally:
            lookout.forget(self._wait)

    async def arest(self) -> None:
        lookout = lookouts.look_out_for(self._wait)
        try:
            await self._wait.over.wait_async(self._seconds)
        finally:
            lookout.forget(self._wait)


class Looking(Protocol):
    """The handle of a job, as far as waiting needs it."""

    def refresh(self) -> "Looking": ...

    @property
    def snapshot(self) -> JobSnapshot: ...


def rests(handle: Looking, *, timeout: Seconds | None, until: Until) -> Iterator[Rest]:
    """Look at the job before each rest, and stop when the wait is over; each step uses the
    database.

    TimeoutError when `timeout` is over first; inside a transaction TransactionManagementError at
    once.
    """
    if until not in _ATTEMPTS:
        raise ValueError(f"until={until!r} must be one of {', '.join(map(repr, _ATTEMPTS))}")
    attempts = _ATTEMPTS[until]
    deadline = None if timeout is None else monotonic() + seconds_of(timeout)
    for pause in chain(FIRST_PAUSES, repeat(None)):
        snapshot = handle.refresh().snapshot
        if _is_over(snapshot, attempts):
            return
        refuse_transaction(f"waiting for job {snapshot.id}")
        left = None if deadline is None else deadline - monotonic()
        if left is not None and left <= 0:
            raise TimeoutError(f"job {snapshot.id} is still {snapshot.state} after {timeout}")
        if pause is None:
            yield Watched(Wait(snapshot.id, attempts=attempts), seconds=left)
        else:
            yield Pause(pause if left is None else min(pause, left))


def go_through(rests: Iterator[Rest]) -> None:
    """Block this thread until the wait is over; nothing of it is left then."""
    try:
        for each in rests:
            each.rest()
    finally:
        lookouts.join_if_over()


def next_of(rests: Iterator[Rest]) -> Rest | None:
    """Take the next step; None after the last."""
    return next(rests, None)


def refuse_wait(timeout: object) -> None:
    """Raise what a wait would, before there is a job: TypeError for a timeout that is none,
    TransactionManagementError if a transaction is open.
    """
    if timeout is not None and not isinstance(timeout, int | float | timedelta):
        raise TypeError(
            "the first argument is the timeout of the wait, in seconds, as a timedelta or None for "
            f"ever, and the arguments of the job follow it: {timeout!r} is no timeout"
        )
    refuse_transaction("waiting for a job")


def refuse_transaction(what: str) -> None:
    """TransactionManagementError if a transaction is open; `what` begins its message."""
    if transaction.get_connection(site_store().using).in_atomic_block:
        raise transaction.TransactionManagementError(
            f"{what} inside a transaction would last for ever: workers see a job once its "
            "transaction has committed. Wait after the atomic() block."
        )


def _is_over(snapshot: JobSnapshot, attempts: int | None) -> bool:
    if snapshot.state.is_final:
        return True
    attempts_over = snapshot.attempt - (snapshot.state is JobState.RUNNING)
    return attempts is not None and attempts_over >= attempts
