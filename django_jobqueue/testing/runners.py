"""Where handlers run in a test: in the calling thread, one after the other."""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from django_jobqueue.worker.hands import HeldJob
from django_jobqueue.worker.runners import EventLoopRunner


class CallingThread:
    """Takes what the pump claims, and runs the first of it when it is told to."""

    is_stuck = False

    def __init__(
        self, slots: int, perform: Callable[[HeldJob], None], *, numbers: Iterator[int]
    ) -> None:
        self.slots, self._perform = slots, perform
        self._waiting: deque[HeldJob] = deque()
        #: Of each that waits, when it came, counted together with those of other runners.
        self._places: deque[int] = deque()
        self._numbers = numbers

    def start(self) -> None:
        """Nothing to start."""

    def submit(self, jobs: Sequence[HeldJob]) -> None:
        self._waiting.extend(jobs)
        self._places.extend(next(self._numbers) for _ in jobs)

    @property
    def place_of_first(self) -> float:
        """Return when the first that waits came; infinity if none does."""
        return self._places[0] if self._places else math.inf

    def run_first(self) -> None:
        self._places.popleft()
        self._perform(self._waiting.popleft())

    def take_back(self) -> list[HeldJob]:
        taken = list(self._waiting)
        self._waiting.clear()
        self._places.clear()
        return taken

    def waiting(self) -> int:
        return len(self._waiting)

    def replace(self, held: HeldJob) -> None:
        """A handler that was given up still holds this thread."""

    def stop(self, *, timeout: float) -> bool:
        return True


class LoopOfPermits(EventLoopRunner):
    """Runs no handlers: its loop starts when a strategy answers with a coroutine."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self.start()
        return super().loop
