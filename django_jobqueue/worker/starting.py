"""A worker in threads of a process that has something else to do."""

import atexit
import dataclasses
from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self

from django_jobqueue import conf
from django_jobqueue.core.clock import Seconds, seconds_of
from django_jobqueue.service import ServiceError
from django_jobqueue.service.threads import caught, service_thread

from .assembly import Worker, build_worker
from .hygiene import close_connections
from .options import WorkerOptions

#: What a worker beyond its preconditions may take to begin.
BEGIN_SECONDS = 30.0
#: What the end of the process waits for a worker that nobody stopped.
EXIT_SECONDS = 3.0


class StartedWorker:
    """A worker that runs in threads of this process; leaving it as a context manager stops it and
    waits for its end.

    It keeps no process from ending: who ends without `stop` gives back what runs, within seconds.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._error: BaseException | None = None
        self._thread = service_thread("worker", self._run)
        atexit.register(self._give_back)
        self._thread.start()

    def wait_until_polling(self, timeout: float) -> None:
        """Return once it looks for jobs; raise why it ended before, or TimeoutError. Whoever cannot
        wait for it has stopped it.
        """
        try:
            in_time = self._worker.polling.wait(timeout)
        except BaseException:
            self.stop()
            raise
        if not in_time:
            self.stop()
            self._thread.join(EXIT_SECONDS)
            raise TimeoutError(f"the worker did not begin to look for jobs within {timeout:g} s")
        if self._error is not None:
            self.join()

    def stop(self) -> None:
        """Ask it to stop, and return at once: it claims nothing more, finishes what runs, and gives
        back the rest. A second time changes nothing.
        """
        self._worker.stop()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for its end, at most `timeout` seconds; return whether it has come.

        Raises what went wrong, ServiceFailed most often; each time it is called.
        """
        self._thread.join(timeout)
        if self._thread.is_alive():
            return False
        atexit.unregister(self._give_back)
        if self._error is not None:
            raise self._error
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self.join()

    def _run(self) -> None:
        error = caught(self._worker.run)
        close_connections()
        if error is None and not self._worker.polling.is_set():
            error = ServiceError("the worker was stopped before it looked for jobs")
        self._error = error
        self._worker.polling.set()  # nobody waits for what has ended

    def _give_back(self) -> None:
        # A forked process has the handle, but not the threads.
        if self._thread.is_alive():
            self._worker.stop()
            self._worker.hurry()
            self._thread.join(EXIT_SECONDS)


def start_worker(
    *,
    queues: Sequence[str] = (),
    concurrency: int | None = None,
    async_concurrency: int | None = None,
    strict: bool = False,
    janitor: bool = True,
    quarantine: bool = True,
    timeout: Seconds | None = None,
) -> StartedWorker:
    """Start a worker in threads of this process, and return once it looks for jobs.

    It does what `runjobs --processes 0` does with the same options, but handles no signals; each
    call adds one more worker. With `quarantine`, a child process is started while jobs wait whose
    worker died of them.

    Raises what made it end before it could begin, ServiceFailed most often, InvalidSettings where
    the settings are wrong, and TimeoutError after `timeout` (PRECONDITION_TIMEOUT and half a
    minute, unless said).
    """
    if isinstance(queues, str):
        raise TypeError(f"queues is {queues!r}: it must be a list of names")
    settings = conf.current()
    settings = dataclasses.replace(
        settings,
        concurrency=settings.concurrency if concurrency is None else concurrency,
        async_concurrency=(
            settings.async_concurrency if async_concurrency is None else async_concurrency
        ),
    )
    options = WorkerOptions(
        queues=tuple(queues), strict=strict, janitor=janitor, quarantine=quarantine
    )
    patience = settings.precondition_timeout + timedelta(seconds=BEGIN_SECONDS)
    started = StartedWorker(build_worker(settings, options))
    started.wait_until_polling(patience.total_seconds() if timeout is None else seconds_of(timeout))
    return started
