"""Components that are asked how they are."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from .errors import describe
from .statuses import Check, Health, HealthStatus
from .threads import caught, service_thread

logger = logging.getLogger(__name__)


class _CheckRun:
    """One call of a check, in a thread, for everyone who asks while it lasts."""

    def __init__(self, name: str, check: Check) -> None:
        self.started_at = time.monotonic()
        self.seconds = 0.0
        self._check = check
        self._answered = threading.Event()
        self._health = Health(status=HealthStatus.NOT_READY)
        thread = service_thread(f"health-{name}", self._answer)
        if (error := caught(thread.start)) is not None:
            self._settle(error)

    @property
    def is_running(self) -> bool:
        return not self._answered.is_set()

    def answer_by(self, deadline: float) -> Health | None:
        """Wait until the monotonic `deadline`; None if the answer is not there by then."""
        in_time = self._answered.wait(max(0.0, deadline - time.monotonic()))
        in_time = in_time and self.started_at + self.seconds <= deadline
        return self._health if in_time else None

    def _answer(self) -> None:
        self._settle(caught(self._ask))

    def _ask(self) -> None:
        answer = self._check()
        self._health = answer if isinstance(answer, Health) else Health(status=HealthStatus(answer))

    def _settle(self, error: BaseException | None) -> None:
        if error is not None:
            details = {"error": describe(error)}
            self._health = Health(status=HealthStatus.PANICKED, details=details)
        self.seconds = time.monotonic() - self.started_at
        self._answered.set()


class CheckedComponent:
    """A component that is asked. It is never asked twice at once, so a check that hangs costs one
    thread, however often the health is looked at.
    """

    def __init__(self, name: str, check: Check, *, slow_after: float, failed_after: float) -> None:
        self._name = name
        self._check = check
        self._slow_after = slow_after
        self._failed_after = failed_after
        self._lock = threading.Lock()
        self._run: _CheckRun | None = None

    def begin(self) -> Callable[[], Health]:
        """Ask, or join who is asking; return what waits for the answer."""
        with self._lock:
            if self._run is None or not self._run.is_running:
                self._run = _CheckRun(self._name, self._check)
            return partial(self._outcome, self._run)

    def _outcome(self, run: _CheckRun) -> Health:
        health = run.answer_by(run.started_at + self._failed_after)
        if health is None:
            error = f"no answer within {self._failed_after:g} s"
            logger.warning("Health check of %s failed: %s", self._name, error)
            details = {"error": error}
            return Health(status=HealthStatus.NOT_READY, details=details, is_slow=True)
        if run.seconds > self._slow_after:
            logger.warning("Health check of %s is slow: %.2f s", self._name, run.seconds)
            return replace(health, is_slow=True)
        return health
