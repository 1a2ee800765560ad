"""When a look that passes nothing over may be paid for."""

from collections.abc import Callable

from django_jobqueue.core.clock import monotonic


class Sweeps:
    """Has such looks take a share of the time at most, and be `longest_pause` seconds apart at
    most.

    A look that somebody waits for leaves them to the next one that nobody does, for `PATIENCE`
    seconds.
    """

    SHARE, LONGEST_PAUSE, PATIENCE = 0.05, 5.0, 2.0

    def __init__(
        self,
        *,
        elapsed: Callable[[], float] = monotonic,
        share: float = SHARE,
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self._elapsed, self._share, self._longest_pause = elapsed, share, longest_pause
        self._began_at = 0.0
        self._ended_at = self._not_before = float("-inf")

    def may_begin(self, *, hurried: bool = False) -> bool:
        """Whether one may be taken now; it begins with this, and `ended` is told its end."""
        self._began_at = now = self._elapsed()
        is_early = hurried and now < self._ended_at + self.PATIENCE
        return now >= self._not_before and not is_early

    @property
    def due_in(self) -> float:
        """Seconds until one may be taken that nobody waits for."""
        return max(0.0, self._not_before - self._elapsed())

    def ended(self) -> None:
        """One was taken."""
        self._ended_at = now = self._elapsed()
        pause = min((now - self._began_at) / self._share, self._longest_pause)
        self._not_before = now + pause
