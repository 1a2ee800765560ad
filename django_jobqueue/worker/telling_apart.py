"""Telling in a thread of its own: what receivers do takes no time from the exchanges."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.specs import FinishedJob
from django_jobqueue.events import EventBus, Subscriber

from .hygiene import clean_between_jobs, close_connections
from .kept_connections import close_kept
from .telling import Telling, Written

logger = logging.getLogger(__name__)


class TellingApart(Telling):
    """One thread tells, in the order of the writes; it starts with the first that anybody hears.

    What was written is kept until `begin`: a receiver that computes would keep the pump from the
    interpreter while the database waits for its next statements. Where receivers are `MOST` jobs or
    `LONGEST_SECONDS` behind, `ended` waits for them; it holds no lock of the database meanwhile, as
    `begin` may, which never waits.

    What receivers leave open is closed after each write, as it is after a job.
    """

    MOST, LONGEST_SECONDS = 500, 1.0
    REST_SECONDS = 1.0

    def __init__(self, events: EventBus, *, elapsed: Callable[[], float] = monotonic) -> None:
        super().__init__(events, elapsed=elapsed)
        self._kept: list[Written] = []
        self._queue: SimpleQueue[Written | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._has_changed = threading.Condition()
        #: When what was handed to the thread came, and how many jobs it has, the oldest first.
        self._untold: deque[tuple[float, int]] = deque()
        self._has_told = self._is_given_up = False

    def begin(self) -> None:
        kept, self._kept = self._kept, []
        now = self._elapsed()
        for written in kept:
            with self._has_changed:
                self._untold.append((now, len(written.finished)))
            self._queue.put(written)
        if self._untold and not self._is_running:
            self._start()

    def tell_rest(self) -> bool:
        self._wait_until(lambda: not self._untold, seconds=None)
        has_told, self._has_told = self._has_told, False
        return has_told

    def close(self, seconds: float) -> None:
        if not self._wait_until(lambda: not self._untold, seconds=seconds):
            self._is_given_up = True
            count = sum(jobs for _, jobs in self._untold)
            logger.warning("receivers took too long: of up to %d jobs they were not told", count)
        if self._is_running:
            self._queue.put(None)
            if not self._is_given_up and self._thread is not None:
                self._thread.join(seconds)
        self._thread = None

    def _tell(self, written: Written) -> None:
        self._kept.append(written)
        self._has_told = True
        if self._is_behind():
            self._wait_until(lambda: not self._is_behind(), seconds=None)

    def _is_behind(self) -> bool:
        with self._has_changed:
            if not self._untold:
                return False
            has_many = sum(jobs for _, jobs in self._untold) >= self.MOST
            return has_many or self._elapsed() - self._untold[0][0] > self.LONGEST_SECONDS

    def _wait_until(self, condition: Callable[[], bool], *, seconds: float | None) -> bool:
        self.begin()
        if not self._is_running:  # there is no thread to be had
            while self._tell_next(wait=False):
                pass
        with self._has_changed:
            return self._has_changed.wait_for(condition, seconds)

    @property
    def _is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="jobqueue-teller", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            logger.warning("what ended is told later, as no thread could be started: %s", error)
        else:
            self._thread = thread

    # In the thread.

    def _run(self) -> None:
        try:
            while self._tell_next(wait=True):
                pass
        finally:
            close_connections()

    def _tell_next(self, *, wait: bool) -> bool:
        """Tell what is next; False at the end. It is let go of before one waits for more."""
        try:
            written = self._next() if wait else self._queue.get_nowait()
        except Empty:
            return False
        if written is None:
            return False
        self._guarded(lambda: super(TellingApart, self)._tell(written))
        self._guarded(_clean_up)
        with self._has_changed:
            self._untold.popleft()
            self._has_changed.notify_all()
        return True

    def _next(self) -> Written | None:
        try:
            return self._queue.get(timeout=self.REST_SECONDS)
        except Empty:
            self._guarded(lambda: close_kept(for_next_job_only=True))
            return self._queue.get()

    def _emit(self, listeners: Sequence[Subscriber], name: str, done: FinishedJob) -> None:
        if not self._is_given_up:
            self._guarded(lambda: super(TellingApart, self)._emit(listeners, name, done))

    @staticmethod
    def _guarded(call: Callable[[], object]) -> None:
        """Whatever it raises, be it the `SystemExit` of a receiver, concerns nobody else."""
        try:
            call()
        except BaseException:
            logger.exception("telling of what ended failed")


def _clean_up() -> None:
    if left_open := clean_between_jobs():
        aliases = ", ".join(left_open)
        logger.warning("a receiver left a transaction open, which was rolled back: %s", aliases)
