"""What is done in this process while its database works."""

from collections.abc import Callable

Meanwhile = Callable[[], object]


def nothing() -> None:
    """There is nothing to do meanwhile."""
