"""How many jobs to hold beyond those that run: none for long jobs, hundreds for short ones."""

from collections.abc import Callable

from django_jobqueue.core.clock import monotonic


class Prefetch:
    """Follows the rate at which jobs finish; holds as many in advance as finish within `horizon`
    seconds.

    A job of a second or longer on ten slots gives a prefetch of nothing; jobs that take no time
    give hundreds, so that fast jobs do not wait for a round trip each.
    """

    SMOOTHING = 0.3

    def __init__(
        self, *, horizon: float = 0.1, most: int = 1500, elapsed: Callable[[], float] = monotonic
    ) -> None:
        self._horizon, self._most, self._elapsed = horizon, most, elapsed
        self._rate = 0.0
        self._since = elapsed()

    def finished(self, count: int) -> None:
        """`count` jobs have ended since the last call."""
        now = self._elapsed()
        spent = max(now - self._since, 1e-4)
        self._since = now
        self._rate += self.SMOOTHING * (count / spent - self._rate)

    def idle(self) -> None:
        """Nothing was running: the time until now says nothing about how fast jobs are."""
        self._since = self._elapsed()

    @property
    def jobs(self) -> int:
        return min(self._most, int(self._rate * self._horizon))
