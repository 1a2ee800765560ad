"""Noticing an async handler that does not await: no other handler of its event loop gets on."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django_jobqueue.core.clock import monotonic
from django_jobqueue.events import EventBus

from .hands import HeldJob
from .watching import Watching

Running = asyncio.Task[Any] | None


class LoopWatch:
    """Asks the event loop for a sign of life, from the watching thread, while handlers run in it.

    A loop that stood still for longer than BLOCKED_SECONDS is told once, with the job that holds
    it: `loop.blocked`.
    """

    BLOCKED_SECONDS, LOOK_SECONDS = 1.0, 0.25

    def __init__(
        self, watching: Watching, *, events: EventBus, elapsed: Callable[[], float] = monotonic
    ) -> None:
        self._watching, self._events, self._elapsed = watching, events, elapsed
        self._starting = threading.Lock()
        self._is_looking = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: dict[Running, HeldJob] = {}
        self._alive_at = 0.0
        self._is_asked = False
        self._is_told = False

    def begin(self, held: HeldJob) -> Running:
        """The handler of this job is called in the current task now; return it, for `end`."""
        task = asyncio.current_task()
        self._running[task] = held
        self._alive_at = self._elapsed()
        self._look_soon()
        return task

    def end(self, task: Running) -> None:
        """The handler that began in this task has ended."""
        del self._running[task]

    def _look_soon(self) -> None:
        with self._starting:
            if self._is_looking:
                return
            self._is_looking = True
        self._loop = asyncio.get_running_loop()
        self._watching.after(self.LOOK_SECONDS, self._look)

    def _look(self) -> None:
        with self._starting:
            self._is_looking = bool(self._running)
            if not self._is_looking:
                return
        # The last sign may have come a look before the loop stopped.
        stands_for = self._elapsed() - self._alive_at
        if stands_for > self.BLOCKED_SECONDS + self.LOOK_SECONDS and not self._is_told:
            self._is_told = True
            self._tell(stands_for)
        self._ask()
        self._watching.after(self.LOOK_SECONDS, self._look)

    def _ask(self) -> None:
        if self._loop is not None and not self._is_asked:
            self._is_asked = True
            with suppress(RuntimeError):  # it was closed just now
                self._loop.call_soon_threadsafe(self._answer)

    def _answer(self) -> None:
        self._is_asked = self._is_told = False
        self._alive_at = self._elapsed()

    def _tell(self, seconds: float) -> None:
        assert self._loop is not None
        # None where the handler has made a task of its own, and that one holds the loop.
        held = self._running.get(asyncio.current_task(self._loop))
        self._events.emit("loop.blocked", job=held and held.job, seconds=round(seconds, 1))
