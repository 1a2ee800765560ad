"""What to say of failures that go on: an outage is one piece of news, not one per try."""

import time
from collections.abc import Callable


class Trouble:
    """Failures in a row of one duty: the first is worth telling, then one in `REMIND_SECONDS`, and
    the end.
    """

    REMIND_SECONDS = 60.0

    def __init__(self, *, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed = elapsed
        self._tell_at: float | None = None

    def is_worth_telling(self) -> bool:
        """Count one more failure; return whether to tell of it."""
        now = self._elapsed()
        if self._tell_at is not None and now < self._tell_at:
            return False
        self._tell_at = now + self.REMIND_SECONDS
        return True

    def is_over(self) -> bool:
        """Count a success; return whether it ended a row of failures."""
        was_in_trouble, self._tell_at = self._tell_at is not None, None
        return was_in_trouble
