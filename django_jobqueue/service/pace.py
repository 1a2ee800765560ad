"""How long a loop pauses between two ticks."""

import random
import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds between ticks: an interval when all is well, a growing back-off after errors.

    `jitter` is a share: the interval is spread by it both ways, so that loops do not march in
    step; a back-off only upwards, so that it is never shorter than said. What a tick itself asks
    for is kept exactly.
    """

    interval: float
    jitter: float = 0.1
    backoff: float = 1.0
    max_backoff: float = 30.0

    def __post_init__(self) -> None:
        if not 0 < self.interval <= threading.TIMEOUT_MAX:
            raise ValueError(f"interval must be a positive number of seconds, not {self.interval}")
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"jitter is a share between 0 and 1, not {self.jitter}")
        if not 0 < self.backoff <= self.max_backoff <= threading.TIMEOUT_MAX:
            raise ValueError(
                f"backoff ({self.backoff}) must be positive, and at most max_backoff "
                f"({self.max_backoff})"
            )

    def after_tick(self, asked: float | None) -> float:
        """The pause after a tick that answered `asked`."""
        if asked is None:
            return self._bounded(self.interval * random.uniform(1 - self.jitter, 1 + self.jitter))  # noqa: S311 - spreads load
        return self._bounded(asked)

    def after_errors(self, count: int) -> float:
        """The pause after `count` failed ticks in a row: doubling from `backoff`, capped."""
        # 2**63 times any back-off is past every cap, and a float can hold it.
        wait = min(self.max_backoff, self.backoff * 2.0 ** min(count - 1, 63))
        return self._bounded(wait * random.uniform(1, 1 + self.jitter))  # noqa: S311 - spreads load

    def _bounded(self, seconds: float) -> float:
        return min(max(0.0, seconds), threading.TIMEOUT_MAX)
