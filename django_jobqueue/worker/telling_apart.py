"""Telling in a thread of its own: what receivers do takes no time from the exchanges."""

import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from django_jobqueue.core.clock import monotonic
from django_jobqueue.events import EventBus

from .hygiene import clean_between_jobs, close_connections
from .kept_connections import close_kept
from .telling import Telling, Written

logger = logging.getLogger(__name__)


class TellingApart(Telling):
    """One thread tells, in the order of the writes; it starts with the first that anybody hears.

    What was written is kept until `begin`: a receiver that computes would keep the pump from the
    interpreter while the database waits for its next statements. Once `MOST` jobs are yet to be
    told, `ended` waits for the receivers; it holds no lock of the database meanwhile, as `begin`
    may, which never waits.

    What receivers leave open is closed after each write, as it is after a job.
    """

    MOST = 2_000
    REST_SECONDS = 1.0

    def __init__(self, events: EventBus, *, elapsed: Callable[[], float] = monotonic) -> None:
        super().__init__(events, elapsed=elapsed)
        self._kept: list[Written] = []
        self._queue: SimpleQueue[Written | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._has_changed = threading.Condition()
        self._untold = 0  #: jobs of what was handed to the thread
        self._has_told = False

    def begin(self) -> None:
        if not self._kept:
            return
        written, self._kept = self._kept, []
        with self._has_changed:
            self._untold += sum(len(one.finished) for one in written)
        for one in written:
            self._queue.put(one)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="jobqueue-teller", daemon=True)
            self._thread.start()

    def tell_rest(self) -> bool:
        self._wait_until_untold_are(0)
        has_told, self._has_told = self._has_told, False
        return has_told

    def close(self) -> None:
        self.begin()
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _tell(self, written: Written) -> None:
        self._kept.append(written)
        self._has_told = True
        if self._untold >= self.MOST:
            self._wait_until_untold_are(self.MOST - 1)

    def _wait_until_untold_are(self, most: int) -> None:
        self.begin()
        with self._has_changed:
            self._has_changed.wait_for(lambda: self._untold <= most)

    # In the thread.

    def _run(self) -> None:
        try:
            written = self._queue.get()
            while written is not None:
                self._tell_now(written)
                written = self._next()
        finally:
            close_connections()

    def _next(self) -> Written | None:
        try:
            return self._queue.get(timeout=self.REST_SECONDS)
        except Empty:
            close_kept(for_next_job_only=True)
            return self._queue.get()

    def _tell_now(self, written: Written) -> None:
        try:
            super()._tell(written)
            clean_between_jobs()
        except BaseException:
            # Such as a `SystemExit` of a receiver: the pump waits for this thread, and others hear.
            logger.exception("what was written was not told to the end")
        finally:
            with self._has_changed:
                self._untold -= len(written.finished)
                self._has_changed.notify_all()
