"""How many jobs to hold beyond those that run: none for long jobs, hundreds for short ones."""

from collections.abc import Callable

from django_jobqueue.core.clock import monotonic


class Prefetch:
    """Follows the rate at which jobs finish; holds as many in advance as finish within `horizon`
    seconds.

    A job of a second or longer on ten slots gives a prefetch of nothing; jobs that take no time
    give hundreds, so that fast jobs do not wait for a round trip each. The rate is measured over
    spans of at least `WINDOW` seconds: the mean of many short ones would tell more than there is.
    While nothing finishes it falls by itself.
    """

    SMOOTHING, WINDOW = 0.5, 0.05

    def __init__(
        self, *, horizon: float = 0.1, most: int = 1500, elapsed: Callable[[], float] = monotonic
    ) -> None:
        self._horizon, self._most, self._elapsed = horizon, most, elapsed
        self._rate = 0.0
        self._count = 0
        self._since = elapsed()
        self._idle_since: float | None = self._since

    def finished(self, count: int) -> None:
        """`count` jobs have ended since the last call."""
        self._count += count
        spent = self._elapsed() - self._since
        if spent >= self.WINDOW:
            self._rate += self.SMOOTHING * (self._count / spent - self._rate)
            self._start_window()

    def idle(self) -> None:
        """Nothing is held: the time until there is says nothing about how fast jobs are."""
        self._idle_since = self._elapsed()

    def busy(self) -> None:
        """Jobs are held again, if they were not."""
        if self._idle_since is not None:
            self._since += self._elapsed() - self._idle_since
            self._idle_since = None

    @property
    def jobs(self) -> int:
        """How many to hold in advance."""
        until = self._elapsed() if self._idle_since is None else self._idle_since
        spent = until - self._since
        # One more than have ended: the next may end at any moment.
        rate = self._rate if spent < self.WINDOW else min(self._rate, (self._count + 1) / spent)
        return min(self._most, int(rate * self._horizon))

    def _start_window(self) -> None:
        self._count, self._since = 0, self._elapsed()
