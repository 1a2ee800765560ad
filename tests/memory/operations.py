"""Operations and spawns that tests of the operation queue share."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django_jobqueue import OperationQueue, RunnerState

#: Only a failing test waits that long.
PATIENCE = 10.0


class Call:
    """Performs a function."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.perform = function


class Held:
    """An operation that says when it has begun, and ends when it may."""

    def __init__(self) -> None:
        self.begun, self.may_end, self.ended = (threading.Event() for _ in range(3))

    def perform(self) -> None:
        self.begun.set()
        assert self.may_end.wait(PATIENCE)
        self.ended.set()


@contextmanager
def started(runners: int = 1, **options) -> Iterator[OperationQueue]:
    """A queue with runners, which has ended when the block has."""
    queue = OperationQueue(**options)
    queue.start(runners)
    try:
        yield queue
    finally:
        queue.stop()
        assert queue.join(PATIENCE)


def until(fact: Callable[[], bool]) -> None:
    """Return as soon as the fact is true; other threads make it so."""
    give_up = threading.Event()
    for _ in range(10_000):
        if fact():
            return
        give_up.wait(0.001)
    raise AssertionError("this did not come true")


def states(queue: OperationQueue) -> list[RunnerState]:
    return [runner.state for runner in queue.runners]
