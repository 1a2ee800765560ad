"""Lines that all processes of the site share, kept in its database."""

import asyncio
import os
import random
import socket
from collections.abc import Generator, Iterator
from threading import Event
from typing import Any
from uuid import UUID, uuid4

from asgiref.sync import sync_to_async
from django.db import transaction

from django_jobqueue import conf
from django_jobqueue.core.clock import Seconds, monotonic, seconds_of
from django_jobqueue.memory.holds import LineBackend, LineWait
from django_jobqueue.memory.line import Line

from .line_keeper import ClusterHold, LineKeeper, has_transaction, keeper
from .site import site_store

CLUSTER = "cluster"
MAX_NAME = 255
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.25


class ClusterBackend(LineBackend):
    """A row for each line that is held, under a lease of JOBQUEUE['LEASE'].

    Outside of transactions only: a row that is not committed keeps nobody out.
    """

    def __init__(self, *, keeper: LineKeeper = keeper) -> None:
        self._keeper = keeper

    def try_hold(self, name: str) -> ClusterHold | LineWait:
        _check_name(name)
        store, lease, token = site_store(), conf.current().lease, uuid4()
        _refuse_transaction(name, store.using)
        asked_at = monotonic()
        if store.hold_line(name, token, holder=_this_process(), lease=lease):
            valid_until = asked_at + lease.total_seconds()
            hold = ClusterHold(name, token, valid_until=valid_until, keeper=self._keeper)
            self._keeper.add(hold)
            return hold
        holder = store.line_holder(name)
        ours = holder and self._keeper.find(holder)
        return ours.over if ours else ClusterWait(name, holder)

    async def atry_hold(self, name: str) -> ClusterHold | LineWait:
        return await sync_to_async(self.try_hold, thread_sensitive=True)(name)

    def is_held(self, name: str) -> bool:
        _check_name(name)
        return site_store().line_holder(name) is not None

    async def ais_held(self, name: str) -> bool:
        return await sync_to_async(self.is_held, thread_sensitive=True)(name)


class ClusterWait:
    """The wait for a holder in another process: looks at its row, at growing intervals.

    It is over when the holder has released the line, or has lost it.
    """

    def __init__(self, name: str, holder: UUID | None) -> None:
        self._name = name
        self._holder = holder  #: None once it is done

    def wait(self, timeout: Seconds | None = None) -> bool:
        for pause in self._pauses(timeout):
            # An event that nobody sets: the banned time.sleep() in a form freezegun leaves alone.
            Event().wait(pause)
        return self._holder is None

    def __await__(self) -> Generator[Any, Any, None]:
        return self._awaited().__await__()

    async def _awaited(self) -> None:
        pauses = self._pauses(None)
        look = sync_to_async(_next, thread_sensitive=True)
        while (pause := await look(pauses)) is not None:
            await asyncio.sleep(pause)

    def _pauses(self, timeout: Seconds | None) -> Iterator[float]:
        """Look before each pause, and stop when the holder is done; a step uses the database."""
        deadline = None if timeout is None else monotonic() + seconds_of(timeout)
        pause = FIRST_PAUSE
        while not self._is_over():
            left = LONGEST_PAUSE if deadline is None else deadline - monotonic()
            if left <= 0:
                return
            jitter = random.uniform(0.5, 1.5)  # noqa: S311 - it spreads, and hides nothing
            yield min(pause * jitter, left)
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def _is_over(self) -> bool:
        if self._holder is not None:
            store = site_store()
            _refuse_transaction(self._name, store.using)
            if store.line_holder(self._name) != self._holder:
                self._holder = None
        return self._holder is None


def cluster_line(name: str) -> Line:
    """Return the line of that name, which all processes of the site share."""
    return Line(name, backend=ClusterBackend())


def _next(pauses: Iterator[float]) -> float | None:
    return next(pauses, None)


def _this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _check_name(name: str) -> None:
    if not 0 < len(name) <= MAX_NAME or "\x00" in name:
        raise ValueError(
            f"the line {name!r} needs a name of 1 to {MAX_NAME} characters, none of them NUL, "
            "by which all processes know it"
        )


def _refuse_transaction(name: str, using: str) -> None:
    if has_transaction(using):
        raise transaction.TransactionManagementError(
            f"the line {name!r} cannot be used inside a transaction: what is not committed keeps "
            "nobody out, and what others commit may not be seen. Use it around the atomic() block."
        )
