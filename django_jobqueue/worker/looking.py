"""When a pump asks its queues for work."""

import random
from collections.abc import Callable

from django_jobqueue.core.clock import monotonic


class Looking:
    """At once when somebody asked or when more is known to be there; else at growing intervals.

    After work it stays attentive for a while, because a wake-up may have been held back by its
    debounce; then it settles at `poll_seconds`, spread by a tenth so that workers do not march in
    step.
    """

    FIRST_PAUSE, ATTENTIVE_PAUSE, ATTENTIVE_SECONDS = 0.005, 0.02, 0.25

    def __init__(self, *, poll_seconds: float, elapsed: Callable[[], float] = monotonic) -> None:
        self._poll_seconds, self._elapsed = poll_seconds, elapsed
        self._pause = self.FIRST_PAUSE
        self._next_at = 0.0
        self._found_at = 0.0
        self.is_asked = True  #: there may be work right now

    def ask(self) -> None:
        """Look at once; from any thread."""
        self.is_asked = True

    def ask_in(self, seconds: float) -> None:
        """Look no later than in so many seconds."""
        self._next_at = min(self._next_at, self._elapsed() + seconds)

    @property
    def in_vain(self) -> bool:
        """Whether the last look found nothing."""
        return self._pause > self.FIRST_PAUSE

    @property
    def due_in(self) -> float:
        """Seconds until the next look."""
        return 0.0 if self.is_asked else max(0.0, self._next_at - self._elapsed())

    def begin(self) -> None:
        """A look is being taken: what is asked from now on is for the next one."""
        self.is_asked = False

    def found(self, count: int, *, of: int) -> None:
        """The look found `count` jobs where it asked for `of`: a full answer says there is more."""
        now = self._elapsed()
        if count:
            self._pause, self._found_at = self.FIRST_PAUSE, now
            self.is_asked = self.is_asked or count >= of
        else:
            attentive = now - self._found_at < self.ATTENTIVE_SECONDS
            longest = self.ATTENTIVE_PAUSE if attentive else self._poll_seconds
            self._pause = min(self._pause * 2, longest)
        self._next_at = now + self._pause * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load
