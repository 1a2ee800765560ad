"""The loop around a tick, written once for every duty that has one."""

import logging
import threading
from abc import abstractmethod
from collections.abc import Callable

from .errors import TaskError, describe
from .pace import Pace
from .stop import StopReceiver
from .tasks import ServiceTask

logger = logging.getLogger(__name__)


def log_tick_error(task_id: str, error: Exception) -> None:
    logger.error("Tick of task %s failed: %s", task_id, describe(error), exc_info=error)


class TickingTask(ServiceTask):
    """A task that does one round of its duty at a time; a subclass writes `tick`.

    The first tick comes at once, the next `interval` seconds later (spread by `jitter`), or when
    the tick said, or when `wake()` is called; a wake-up during a tick is not lost. Stop ends the
    pause at once, and the loop after the tick that is running.

    An exception in a tick never ends the loop. It is handed to `on_error(task id, exception)` and
    the next tick comes after `backoff` seconds, doubled with each further failure up to
    `max_backoff`; a wake-up does not shorten that. Only a `TaskError`, which says that the task
    gives up on purpose, ends the task, and with it the service.

    `after_tick` is called in the loop's thread after every tick, a failed one included, for
    connection hygiene and the like; an exception in it counts as one of the tick.
    """

    def __init__(
        self,
        *,
        interval: float,
        jitter: float = 0.1,
        backoff: float = 1.0,
        max_backoff: float = 30.0,
        on_error: Callable[[str, Exception], object] = log_tick_error,
        after_tick: Callable[[], object] = lambda: None,
    ) -> None:
        self._pace = Pace(
            interval=interval, jitter=jitter, backoff=backoff, max_backoff=max_backoff
        )
        self._on_error = on_error
        self._after_tick = after_tick
        self._wake = threading.Event()
        self._errors_in_a_row = 0

    @abstractmethod
    def tick(self) -> float | None:
        """Do one round; return the seconds until the next, 0 for at once, None for the interval."""

    def wake(self) -> None:
        """Have the next tick come at once; from any thread, before or during a tick as well."""
        self._wake.set()

    def run(self, stop: StopReceiver) -> None:
        with stop.notifying(self._wake.set):
            while True:
                # Cleared before the look at stop: a stop that comes later sets it again.
                self._wake.clear()
                if stop.is_set():
                    return
                pause = self.round()
                if self._errors_in_a_row:
                    stop.wait(pause)
                else:
                    self._wake.wait(pause)

    def round(self) -> float:
        """Tick once and report what went wrong; return the seconds until the next tick."""
        try:
            try:
                asked = self.tick()
            finally:
                self._after_tick()
            pause = self._pace.after_tick(asked)
        except TaskError:
            raise
        except Exception as error:
            self._errors_in_a_row += 1
            self._report(error)
            return self._pace.after_errors(self._errors_in_a_row)
        self._errors_in_a_row = 0
        return pause

    def _report(self, error: Exception) -> None:
        try:
            self._on_error(self.id, error)
        except Exception as failure:
            log_tick_error(self.id, error)
            logger.error(
                "on_error of task %s failed: %s", self.id, describe(failure), exc_info=failure
            )
