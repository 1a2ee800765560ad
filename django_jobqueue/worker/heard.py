"""What a worker can tell of wake-ups that it was not sent."""

import math
from collections import deque

from django_jobqueue.jobs.wakeups import BURST


class Heard:
    """When wake-ups were heard. Who enqueues holds one back only where it follows ten within ten
    times its `debounce_seconds`, and sooner after the last of these than that.
    """

    #: As much longer may those be heard that were sent within some time.
    LATE = 1.2

    def __init__(self, *, debounce_seconds: float) -> None:
        self._debounce_seconds = debounce_seconds
        self._moments: deque[float] = deque(maxlen=BURST - 1)

    def add(self, now: float) -> None:
        """One is heard now."""
        # Of the first that is heard nobody knows how many others went before it.
        self._moments.extend([now] * (1 if self._moments else BURST))

    @property
    def last(self) -> float:
        return self._moments[-1] if self._moments else -math.inf

    def are_many(self, now: float) -> bool:
        """Whether somebody may have spent all wake-ups that were saved."""
        span = self.LATE * BURST * self._debounce_seconds
        return bool(self._moments) and now - self._moments[0] <= span

    def held_back_until(self) -> float:
        """Whoever held one back after the last that was heard can send another by then."""
        return self.last + self._debounce_seconds
