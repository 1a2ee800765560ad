"""From a number to a place on a chart: pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

_MOST_STEPS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A straight axis from 0 to a round number; upwards, `end` is less than `start`."""

    start: float
    end: float
    values: Sequence[int]  #: where the grid has lines, from 0 on

    @classmethod
    def up_to(cls, largest: int, *, start: float, end: float) -> Self:
        """Return the axis with the smallest round steps that reaches `largest` in at most five."""
        step = 1
        while largest > step * _MOST_STEPS:
            step = _next_round(step)
        steps = max(-(-largest // step), 1)
        return cls(start=start, end=end, values=[step * index for index in range(steps + 1)])

    def place(self, value: float) -> float:
        """Return where `value` lies."""
        return self.start + (self.end - self.start) * value / self.values[-1]


def _next_round(number: int) -> int:
    """1, 2, 5, 10, 20, 50 …"""
    power: int = 10 ** (len(str(number)) - 1)
    return power * {1: 2, 2: 5, 5: 10}[number // power]
