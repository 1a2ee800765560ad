"""The loop around a tick, written once for every duty that has one."""

import logging
import threading
from abc import abstractmethod
from collections.abc import Callable

from .errors import TaskError, describe
from .pace import Pace
from .stop import StopReceiver
from .tasks import ServiceTask
from .trouble import Trouble

logger = logging.getLogger(__name__)


class TickingTask(ServiceTask):
    """A task that does one round of its duty at a time; a subclass writes `tick`.

    The first tick comes at once, the next `interval` seconds later (spread by `jitter`), or when
    the tick said, or when `wake()` is called; a wake-up during a tick is not lost. Stop ends the
    pause at once, and the loop after the tick that is running.

    An exception in a tick never ends the loop. The next tick comes after `backoff` seconds, doubled
    with each further failure up to `max_backoff`; a wake-up does not shorten that. The first of the
    failures in a row is logged as a warning, one a minute while they last, and the recovery. Only a
    `TaskError`, which says that the task gives up on purpose, ends the task, and with it the
    service.

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
        after_tick: Callable[[], object] = lambda: None,
    ) -> None:
        self._pace = Pace(
            interval=interval, jitter=jitter, backoff=backoff, max_backoff=max_backoff
        )
        self._after_tick = after_tick
        self._wake = threading.Event()
        self._errors_in_a_row = 0
        self._trouble = Trouble()

    @abstractmethod
    def tick(self) -> float | None:
        """Do one round; return the seconds until the next, 0 for at once, None for the interval."""

    def is_well(self) -> bool:
        """Whether a tick that raised nothing ends a row of failures; a subclass may know better."""
        return True

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
        """Tick once and log what went wrong; return the seconds until the next tick."""
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
            if self._trouble.is_worth_telling():
                self._warn(error)
            return self._pace.after_errors(self._errors_in_a_row)
        if self.is_well():
            self._recover()
        return pause

    def _recover(self) -> None:
        self._errors_in_a_row = 0
        if self._trouble.is_over():
            logger.info("Task %s works again.", self.id)

    def _warn(self, error: Exception) -> None:
        if self._errors_in_a_row == 1:
            # With its traceback: it may be no outage, but a fault.
            logger.warning("Task %s fails: %s", self.id, describe(error), exc_info=error)
        else:
            logger.warning(
                "Task %s still fails, %s times by now: %s",
                self.id,
                self._errors_in_a_row,
                describe(error),
            )
