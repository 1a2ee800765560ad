from collections.abc import Iterator

import pytest

from django_jobqueue import MemoryQueue

from .operations import PATIENCE
from .queues import Make


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes queues that are shut down when the test is over."""
    made: list[MemoryQueue] = []

    def make(workers: int = 1, **options) -> MemoryQueue:
        made.append(MemoryQueue(workers, **options))
        return made[-1]

    yield make
    for queue in made:
        assert queue.shutdown(PATIENCE, pending="bury")
