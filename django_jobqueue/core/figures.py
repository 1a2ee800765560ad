"""Numbers that a process keeps of what happened: counters and histograms, by metric and labels."""

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

#: A metric and the values of its labels, in the order in which the metric names them.
Series = tuple[str, tuple[str, ...]]


class Observed(msgspec.Struct, frozen=True):
    """How many observations fell between each two bounds of a histogram, and their sum."""

    between: tuple[int, ...]
    total: float


class Changes(msgspec.Struct, frozen=True):
    """What was added to figures, on its way to another process."""

    counts: tuple[tuple[Series, float], ...]
    observed: tuple[tuple[Series, Observed], ...]

    def __bool__(self) -> bool:
        return bool(self.counts or self.observed)


class Figures:
    """Counters and histograms; safe to use from every thread. They only ever grow."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Series, float] = defaultdict(float)
        self._between: dict[Series, list[int]] = {}
        self._totals: dict[Series, float] = defaultdict(float)

    def count(self, metric: str, labels: tuple[str, ...] = (), *, by: float = 1) -> None:
        """Add to a counter."""
        with self._lock:
            self._counts[metric, labels] += by

    def observe(
        self, metric: str, labels: tuple[str, ...], value: float, *, bounds: Sequence[float]
    ) -> None:
        """Add to a histogram with these upper bounds, which are the same for every call."""
        with self._lock:
            self._observe((metric, labels), value, bounds)

    def count_all(self, series: Iterable[Series]) -> None:
        """Add one to each of these counters."""
        with self._lock:
            for one in series:
                self._counts[one] += 1

    def observe_all(
        self, values: Iterable[tuple[Series, float]], *, bounds: Sequence[float]
    ) -> None:
        """Add each of these values to its histogram."""
        with self._lock:
            for series, value in values:
                self._observe(series, value, bounds)

    def _observe(self, series: Series, value: float, bounds: Sequence[float]) -> None:
        if (between := self._between.get(series)) is None:
            between = self._between[series] = [0] * (len(bounds) + 1)
        between[bisect_left(bounds, value)] += 1
        self._totals[series] += value

    def counts(self) -> Mapping[Series, float]:
        """Return each counter as it is now."""
        with self._lock:
            return dict(self._counts)

    def observed(self) -> Mapping[Series, Observed]:
        """Return each histogram as it is now."""
        with self._lock:
            return dict(self._observed())

    def take(self) -> Changes:
        """Return everything, and begin anew: for who hands it to another process."""
        with self._lock:
            changes = Changes(tuple(self._counts.items()), self._observed())
            self._counts.clear()
            self._between.clear()
            self._totals.clear()
        return changes

    def add(self, changes: Changes) -> None:
        """Add what another process has counted."""
        with self._lock:
            for series, number in changes.counts:
                self._counts[series] += number
            for series, seen in changes.observed:
                mine = self._between.get(series, (0,) * len(seen.between))
                self._between[series] = [a + b for a, b in zip(mine, seen.between, strict=True)]
                self._totals[series] += seen.total

    def _observed(self) -> tuple[tuple[Series, Observed], ...]:
        return tuple(
            (series, Observed(tuple(between), self._totals[series]))
            for series, between in self._between.items()
        )


#: The figures of this process.
figures = Figures()
