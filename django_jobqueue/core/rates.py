"""How often something may happen: `"100/m"`."""

import re
from dataclasses import dataclass
from typing import Self

from .errors import InvalidOptions

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_WRITTEN = re.compile(r"([0-9]{1,9})/([0-9]{0,6})([smhd])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many times in so many seconds, evenly spread."""

    times: int
    seconds: int

    @classmethod
    def parse(cls, option: str, text: object) -> Self:
        """Read `"100/m"`, `"5/10s"`, `"1000/h"` or `"20/d"`; InvalidOptions, told of `option`,
        for anything else.
        """
        found = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
        times, count, unit = found.groups() if found else ("0", "", "s")
        rate = cls(int(times), int(count or 1) * _SECONDS[unit])
        if rate.times < 1 or rate.seconds < 1:
            raise InvalidOptions(
                option, f"must be a rate such as '100/m' or '5/10s' (s, m, h or d), not {text!r}"
            )
        return rate

    @property
    def spacing(self) -> float:
        """Seconds from one time to the next."""
        return self.seconds / self.times
