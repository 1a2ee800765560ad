"""How long a job waits before it runs again.

Frozen values that answer `seconds(attempt)`. Spans are given in seconds or as timedelta. Every
answer lies between 0 and `max_delay`, at any attempt: nothing overflows. `jitter` is the fraction
by which an answer may differ from the formula, so that jobs which failed together do not come back
together; 0 is exact.
"""

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from random import Random, SystemRandom
from typing import ClassVar

from .clock import Seconds, seconds_of

logger = logging.getLogger("django_jobqueue")

_HOUR = 3600.0
_DAY = 24 * _HOUR
_LONGEST = 3650 * _DAY  # databases and datetimes agree on any time that is this near
_FINITE = math.nextafter(math.inf, 0)
_RANDOM = SystemRandom()  # has no state that processes could come to share

_Limits = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Backoff(ABC):
    """Base of all backoffs: the cap, the jitter and the JSON form."""

    max_delay: Seconds = field(default=_HOUR, kw_only=True)
    jitter: float = field(default=0.0, kw_only=True)

    kind: ClassVar[str]
    allows_retry: ClassVar[bool] = True
    #: The least and the greatest value of each number.
    limits: ClassVar[_Limits] = {}

    def __post_init__(self) -> None:
        limits = {**self.limits, "max_delay": (0.0, _LONGEST), "jitter": (0.0, 1.0)}
        for name, (least, greatest) in limits.items():
            number = self._number(name, least=least, greatest=greatest)
            object.__setattr__(self, name, number)

    def _number(self, name: str, *, least: float, greatest: float) -> float:
        value = getattr(self, name)
        if isinstance(value, int | float | timedelta) and not isinstance(value, bool):
            try:
                number = seconds_of(value)
            except OverflowError:
                number = math.inf
            if least <= number <= greatest:
                return number
        most = "" if greatest == _FINITE else f" and at most {greatest:g}"
        raise ValueError(
            f"{type(self).__name__}({name}={value!r}): {name} must be a finite number, or a "
            f"timedelta for a span, at least {least:g}{most}"
        )

    def seconds(self, attempt: int, *, random: Random = _RANDOM) -> float:
        """Return how long to wait after run number `attempt` (from 1), between 0 and `max_delay`.
        Never raises.
        """
        try:
            exact = self._exact(max(attempt, 1))
        except OverflowError:
            exact = math.inf
        longest = seconds_of(self.max_delay)
        exact = min(exact, longest)
        if not self.jitter:
            return exact
        # The cap cuts the range before one is drawn from it: jobs at the cap are spread out too.
        return random.uniform(exact * (1 - self.jitter), min(exact * (1 + self.jitter), longest))

    @abstractmethod
    def _exact(self, attempt: int) -> float:
        """The formula: at least 0, not NaN, without cap and jitter; may raise OverflowError."""

    def to_json(self) -> dict[str, object]:
        """Return what `backoff_from_json` takes, to be stored with a job."""
        return {"kind": self.kind, **{item.name: getattr(self, item.name) for item in fields(self)}}


@dataclass(frozen=True)
class NoRetry(Backoff):
    """A failure is final; a snooze, which is none, waits no time."""

    kind = "no_retry"
    allows_retry = False

    def _exact(self, attempt: int) -> float:
        return 0.0


@dataclass(frozen=True)
class Constant(Backoff):
    """Always `delay`."""

    delay: Seconds

    kind = "constant"
    limits: ClassVar[_Limits] = {"delay": (0.0, _LONGEST)}

    def _exact(self, attempt: int) -> float:
        return seconds_of(self.delay)


@dataclass(frozen=True)
class Linear(Backoff):
    """`delay` times attempt."""

    delay: Seconds

    kind = "linear"
    limits: ClassVar[_Limits] = {"delay": (0.0, _LONGEST)}

    def _exact(self, attempt: int) -> float:
        return seconds_of(self.delay) * attempt


@dataclass(frozen=True)
class Polynomial(Backoff):
    """`offset` + attempt ** `power` seconds."""

    power: float = 4.0
    offset: Seconds = 0.0
    max_delay: Seconds = field(default=_DAY, kw_only=True)

    kind = "polynomial"
    limits: ClassVar[_Limits] = {"power": (0.0, _FINITE), "offset": (0.0, _LONGEST)}

    def _exact(self, attempt: int) -> float:
        return seconds_of(self.offset) + math.pow(attempt, self.power)


@dataclass(frozen=True)
class Exponential(Backoff):
    """`initial` times `factor` ** (attempt - 1); the default of everything."""

    initial: Seconds = 5.0
    factor: float = 2.0
    jitter: float = field(default=0.1, kw_only=True)

    kind = "exponential"
    limits: ClassVar[_Limits] = {"initial": (0.0, _LONGEST), "factor": (1.0, _FINITE)}

    def _exact(self, attempt: int) -> float:
        return seconds_of(self.initial) * float(self.factor ** (attempt - 1))


@dataclass(frozen=True)
class Custom(Backoff):
    """Whatever `function(attempt)` answers, in seconds or as timedelta.

    Where it raises, or answers no number, the default backoff takes its place and the log says so:
    a job whose wait cannot be computed must still be written. Not to be stored with a single job:
    declare it on the handler.
    """

    function: Callable[[int], Seconds]

    kind = "custom"

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise ValueError(f"Custom({self.function!r}): must be a function of the attempt number")
        Backoff.__post_init__(self)

    def _exact(self, attempt: int) -> float:
        try:
            wait = seconds_of(self.function(attempt))
            if math.isnan(wait):
                raise ValueError("it answered NaN")
        except OverflowError:
            raise
        except Exception:
            logger.exception("backoff %r failed at attempt %s; using the default", self, attempt)
            return Exponential()._exact(attempt)
        return max(wait, 0.0)

    def to_json(self) -> dict[str, object]:
        raise ValueError(
            f"{self!r} cannot be stored with a job: a function is no data. Declare it on the "
            "handler with @job(backoff=…), or give the job one of the other backoffs."
        )


_BY_KIND: dict[str, type[Backoff]] = {
    cls.kind: cls for cls in (NoRetry, Constant, Linear, Polynomial, Exponential)
}


def backoff_from_json(stored: object) -> Backoff:
    """Return the backoff that `to_json` described; ValueError if `stored` describes none."""
    if isinstance(stored, Mapping):
        numbers = dict(stored)
        cls = _BY_KIND.get(str(numbers.pop("kind", None)))
        if cls is not None:
            try:
                return cls(**numbers)
            except TypeError as error:
                raise ValueError(f"{stored!r} describes no backoff: {error}") from error
    raise ValueError(
        f"{stored!r} describes no backoff: it must be an object whose kind is one of "
        f"{', '.join(_BY_KIND)}"
    )
