"""Limits within one process."""

from collections import Counter
from collections.abc import Iterable, Mapping


def rooms(concurrency: Mapping[str, int], running: Iterable[str]) -> dict[str, int]:
    """Return how many more of each name may run, where so many of them do.

    `running` is counted each time anew: a counter would be wrong for good after one mistake.
    """
    counts = Counter(name for name in running if name in concurrency)
    return {name: max(0, most - counts[name]) for name, most in concurrency.items()}
