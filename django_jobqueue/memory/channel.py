"""What lies between those who enqueue operations and the runners that take them."""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from enum import StrEnum
from threading import Lock
from typing import Protocol

from .errors import QueueClosed, QueueStopped
from .waiting import Moment


class Operation(Protocol):
    """Anything that can be performed."""

    def perform(self) -> object:
        """Do the work; what is returned is dropped, but awaited first if it can be."""


class RunnerState(StrEnum):
    """What a runner is doing."""

    PENDING = "pending"  #: created, not begun
    WAITING = "waiting"  #: for an operation
    RUNNING = "running"  #: an operation
    STOPPED = "stopped"  #: for good


class Taker:
    """One who takes operations; the channel keeps its state."""

    def __init__(self) -> None:
        self.state = RunnerState.PENDING
        self.spawned: object = None  #: what spawning it answered, kept alive with it


class Channel:
    """Operations in order of arrival, handed to the takers in the order in which they wait.

    A taker counts as running from the moment an operation is its own: there is no moment in which
    all wait while an operation is on its way to one of them.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._operations: deque[Operation] = deque()
        self._waiting: deque[tuple[Taker, Future[Operation | None]]] = deque()
        self._takers: list[Taker] = []
        self._is_closed = False
        #: It is closed, and every taker has left.
        self.ended = Moment()

    @property
    def takers(self) -> Sequence[Taker]:
        with self._lock:
            return tuple(self._takers)

    def states(self) -> list[RunnerState]:
        """Return the states of all takers at one moment."""
        with self._lock:
            return [taker.state for taker in self._takers]

    def add(self, takers: Sequence[Taker]) -> None:
        """Let these take operations; QueueStopped once closed."""
        with self._lock:
            if self._is_closed:
                raise QueueStopped
            self._takers += takers

    def send(self, operation: Operation) -> None:
        """Put an operation at the end; QueueClosed once closed."""
        with self._lock:
            if self._is_closed:
                raise QueueClosed
            if not self._hand_over(operation):
                self._operations.append(operation)

    def close(self) -> bool:
        """Take no more operations, and let the takers leave when none are left; False if it was
        closed before.
        """
        with self._lock:
            was_open, self._is_closed = not self._is_closed, True
            while self._hand_over(None):
                pass
            self._end_if_left()
        return was_open

    def take(self, taker: Taker) -> Operation | None:
        """Return the next operation, waiting for it in this thread; None if there will be none."""
        ready = self._next(taker)
        try:
            return ready.result()
        except BaseException:
            self._decline(ready)
            raise

    async def take_async(self, taker: Taker) -> Operation | None:
        """As `take`, waiting in the event loop. A cancelled wait loses no operation."""
        await asyncio.sleep(0)  # or a backlog of operations that never wait would block the loop
        ready = self._next(taker)
        if ready.done():
            return ready.result()
        try:
            return await asyncio.wrap_future(ready)
        except BaseException:
            self._decline(ready)
            raise

    def leave(self, taker: Taker) -> None:
        """Note that this taker takes no more."""
        with self._lock:
            taker.state = RunnerState.STOPPED
            self._end_if_left()

    def _next(self, taker: Taker) -> "Future[Operation | None]":
        ready: Future[Operation | None] = Future()
        with self._lock:
            if self._operations:
                taker.state = RunnerState.RUNNING
                ready.set_result(self._operations.popleft())
            elif self._is_closed:
                ready.set_result(None)
            else:
                taker.state = RunnerState.WAITING
                self._waiting.append((taker, ready))
        return ready

    def _hand_over(self, operation: Operation | None) -> bool:
        while self._waiting:
            taker, ready = self._waiting.popleft()
            if ready.set_running_or_notify_cancel():
                if operation is not None:
                    taker.state = RunnerState.RUNNING
                ready.set_result(operation)
                return True
        return False

    def _decline(self, ready: "Future[Operation | None]") -> None:
        """Wait no more; an operation that was handed over meanwhile goes back to the front."""
        if ready.cancel() or (operation := ready.result()) is None:
            return
        with self._lock:
            if not self._hand_over(operation):
                self._operations.appendleft(operation)

    def _end_if_left(self) -> None:
        if self._is_closed and all(taker.state is RunnerState.STOPPED for taker in self._takers):
            self.ended.come()
