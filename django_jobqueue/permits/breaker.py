"""A strategy that leaves alone what is down."""

import threading
from collections.abc import Callable
from contextlib import nullcontext

from django_jobqueue.core.clock import Seconds, monotonic, seconds_of
from django_jobqueue.core.specs import ClaimedJob

from .base import Permit, PermitStrategy, TryAfter


class Breaker(PermitStrategy):
    """Refuses while what its handlers need seems to be down: `@job(permits=[Breaker()])`.

    Once `failures` runs in a row have failed it refuses, for `pause` seconds. Then it lets one run
    try: if that succeeds, all run again; if it fails, it refuses for another `pause`. Handlers that
    share the object share its judgement; each worker process judges for itself. `elapsed` is a
    clock in seconds. ValueError for less than one failure, or for a pause that is not above zero.
    """

    def __init__(
        self,
        *,
        failures: int = 10,
        pause: Seconds = 30,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._failures, self._pause, self._elapsed = failures, seconds_of(pause), elapsed
        if failures < 1:
            raise ValueError(f"Breaker(failures={failures!r}): at least one run has to fail")
        if self._pause <= 0:
            raise ValueError(f"Breaker(pause={pause!r}): a pause is longer than no time")
        self._lock = threading.Lock()
        self._failed_in_a_row = 0
        self._refuses_until = 0.0

    def acquire(self, job: ClaimedJob) -> Permit | TryAfter:
        with self._lock:
            if self._failed_in_a_row < self._failures:
                return nullcontext()
            now = self._elapsed()
            if now < self._refuses_until:
                return TryAfter(self._refuses_until - now)
            # If nothing is ever heard of the run that tries, the next one may after a pause.
            self._refuses_until = now + self._pause
            return nullcontext()

    def ran(self, job: ClaimedJob, *, has_failed: bool) -> None:
        with self._lock:
            if not has_failed:
                self._failed_in_a_row = 0
                return
            self._failed_in_a_row += 1
            if self._failed_in_a_row >= self._failures:
                self._refuses_until = self._elapsed() + self._pause
