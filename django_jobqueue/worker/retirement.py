"""When a child process has run for long enough: between jobs, another takes its place."""

import os
import random
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from django_jobqueue.core.clock import monotonic
from django_jobqueue.service import TickingTask

from .options import Recycling

_STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """Return the memory that this process holds now; where the system does not tell, the most that
    it ever held.
    """
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


class Retirement(TickingTask):
    """Calls `retire` with the reason, once, when a limit is reached, or a handler has `leaked`.

    Each limit is spread by a tenth either way, so that processes which started together are not
    replaced together.
    """

    id = "retirement"

    def __init__(
        self,
        recycling: Recycling,
        *,
        finished: Callable[[], int],
        leaked: Callable[[], int] = lambda: 0,
        retire: Callable[[str], object],
        elapsed: Callable[[], float] = monotonic,
        memory: Callable[[], int] = resident_bytes,
        spread: Callable[[], float] = lambda: random.uniform(0.9, 1.1),  # noqa: S311 - spreads load
    ) -> None:
        super().__init__(interval=0.5)
        age = None if recycling.age is None else recycling.age.total_seconds()
        self._limits = [
            (limit * spread(), told, measure)
            for limit, told, measure in (
                (recycling.jobs, "it has run {:.0f} jobs", finished),
                (recycling.memory_bytes, "it holds {:,.0f} bytes of memory", memory),
                (age, "it is {:.0f} s old", self._age),
            )
            if limit is not None
        ]
        self._limits.append((1, "handlers that do not end run in it: {}", leaked))
        self._retire, self._elapsed, self._began = retire, elapsed, elapsed()
        self._is_over = False

    def tick(self) -> None:
        for limit, told, measure in self._limits:
            if not self._is_over and (value := measure()) >= limit:
                self._is_over = True
                self._retire(told.format(value))

    def _age(self) -> float:
        return self._elapsed() - self._began
