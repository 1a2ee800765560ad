"""How many jobs to hold beyond those that run: none for long jobs, hundreds for short ones."""

from collections.abc import Callable

from django_jobqueue.core.clock import monotonic


class Prefetch:
    """Follows the rate at which jobs finish; holds as many in advance as finish within `horizon`
    seconds.

    A job of a second or longer on ten slots gives a prefetch of nothing; jobs that take no time
    give hundreds, so that fast jobs do not wait for a round trip each: at `most` two full batches,
    one that runs and one that comes. A third brought nothing, and its memory stays.

    The rate is measured over spans of at least `WINDOW` seconds: the mean of many short ones would
    tell more than there is. What counts is the time in which jobs run: while those held have all
    ended, and others are on their way, the runners could have done more. Until the first span is
    over, what has ended in it is all there is to know. While nothing finishes the rate falls by
    itself.
    """

    SMOOTHING, WINDOW = 0.5, 0.05
    #: The first few jobs to end may be the quickest of many.
    SHORTEST_SPAN = 0.005
    #: A job is claimed by one exchange, runs during the next, and is written by the one after that;
    #: one more, or the rate would be what these exchanges allow, and never grow beyond it.
    EXCHANGES, LONGEST_HORIZON = 3, 0.5

    def __init__(
        self, *, horizon: float = 0.1, most: int = 1000, elapsed: Callable[[], float] = monotonic
    ) -> None:
        self._horizon, self._most, self._elapsed = horizon, most, elapsed
        self._exchange_seconds = 0.0
        self._rate: float | None = None  #: none before the first span is over
        self._count = 0
        self._since = elapsed()
        self._idle_since: float | None = self._since

    def finished(self, count: int) -> None:
        """The outcomes of `count` jobs that ended were written since the last call."""
        self._count += count
        spent = self._spent
        if spent >= self.WINDOW:
            seen = self._count / spent
            self._rate = seen if self._rate is None else self._smoothed(self._rate, seen)
            self._count, self._since = 0, self._since + spent

    def exchanged(self, seconds: float) -> None:
        """So long it took to write outcomes and claim."""
        self._exchange_seconds = self._smoothed(self._exchange_seconds, seconds)

    def idle(self, since: float) -> None:
        """Nothing runs since then: the time until something does tells nothing about how fast jobs
        are.
        """
        if self._idle_since is None:
            self._idle_since = max(since, self._since)

    def busy(self) -> None:
        """Jobs run again, if they did not."""
        if self._idle_since is not None:
            self._since += self._elapsed() - self._idle_since
            self._idle_since = None

    def jobs(self, *, ended: int = 0) -> int:
        """How many to hold in advance; so many have `ended` beyond those that were written."""
        count, spent = self._count + ended, self._spent
        if self._rate is None:
            rate = count / max(spent, self.SHORTEST_SPAN) if spent else 0.0
        elif spent < self.WINDOW:
            rate = self._rate
        else:
            # One more than have ended: the next may end at any moment.
            rate = min(self._rate, (count + 1) / spent)
        return min(self._most, int(rate * self.horizon))

    @property
    def has_rate(self) -> bool:
        """Whether the first span is over."""
        return self._rate is not None

    @property
    def horizon(self) -> float:
        """In how many seconds what is held in advance should have ended."""
        bridged = min(self.EXCHANGES * self._exchange_seconds, self.LONGEST_HORIZON)
        return max(self._horizon, bridged)

    @property
    def _spent(self) -> float:
        until = self._elapsed() if self._idle_since is None else self._idle_since
        return until - self._since

    def _smoothed(self, before: float, seen: float) -> float:
        return before + self.SMOOTHING * (seen - before)
