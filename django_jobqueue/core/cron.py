"""Recurring times: five fields, cron strings and spans. What comes out are instants, told in UTC.

Daylight saving, by the rule of Debian's cron: a local time that the clocks skip runs right after
the gap, one that they repeat runs once. What recurs within the hour, or in every hour, follows
elapsed time instead: never in a gap, and in both passes of what is repeated.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from .clock import Seconds, seconds_of
from .schedule_errors import InvalidSchedule, UnknownTimeZone

TEXT_LENGTH = 255
SHORTEST_SPAN, LONGEST_SPAN = timedelta(seconds=1), timedelta(days=36_525)
PREVIEW = 10
_FIELDS = {
    "minute": range(60),
    "hour": range(24),
    "day_of_month": range(1, 32),
    "month": range(1, 13),
    "day_of_week": range(7),
}
_EVERY_HOUR = set(range(24))
_LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001 - wall clocks are naive in this module
_MINUTE = timedelta(minutes=1)


class Recurring(ABC):
    """What slots follow each other by."""

    __slots__ = ()

    @abstractmethod
    def next_after(self, moment: datetime, *, anchor: datetime | None = None) -> datetime | None:
        """Return the first slot that is later than an aware `moment`, in UTC; None if there is
        none. Spans are counted from `anchor`, if given; cron knows the time by itself.
        """

    def preview(
        self, moment: datetime, *, count: int = PREVIEW, anchor: datetime | None = None
    ) -> list[datetime]:
        """Return the next `count` slots after `moment`, fewer where there are no more."""
        return list(islice(self.slots_after(moment, anchor=anchor), count))

    def slots_after(
        self, moment: datetime, *, anchor: datetime | None = None
    ) -> Iterator[datetime]:
        """Yield every slot after `moment`, in order; there may be no end."""
        slot = self.next_after(moment, anchor=anchor)
        while slot is not None:
            yield slot
            slot = self.next_after(slot, anchor=anchor)


class _Calendar(Recurring):
    """What five fields and a cron string share; `text` is a cron string, `timezone` a name.

    InvalidSchedule for fields that cannot be, or never match. A zone is looked up when a slot is
    asked for: UnknownTimeZone then.
    """

    __slots__ = ()
    all_must_match: ClassVar[bool]  #: the day of the month and that of the week, too
    timezone: str

    @property
    @abstractmethod
    def text(self) -> str: ...

    def next_after(self, moment: datetime, *, anchor: datetime | None = None) -> datetime | None:
        zone = zone_of(self.timezone)
        follow = self._follow_elapsed if self._is_frequent else self._follow_wall_clock
        try:
            # In UTC, for times of one zone are compared by the wall clock alone.
            return follow(moment.astimezone(UTC), zone)
        except OverflowError:  # the year 10,000
            return None

    @property
    def _is_frequent(self) -> bool:
        """Whether it follows elapsed time: a wildcard within the hour, or every hour."""
        *seconds, minute, _hour, _day, _month, _weekday = self.text.split()
        within_the_hour = any(part.startswith("*") for part in (*seconds, minute))
        return within_the_hour or self._matcher(_LONG_AGO).hours == _EVERY_HOUR

    def _follow_wall_clock(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        for match in self._matcher(_wall(moment.astimezone(zone))):
            while not _exists(match, zone):  # gaps end with a minute
                match = match.replace(second=0) + _MINUTE
            slot = _instant(match, zone)
            if slot > moment:  # not so for the second pass of what is repeated
                return slot
        return None

    def _follow_elapsed(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        local = moment.astimezone(zone)
        # What is before it by the wall clock comes once more if this is a first pass.
        repeated = _offset(local) - _offset(local.replace(fold=1))
        found: list[datetime] = []
        for match in self._matcher(_wall(local) - max(repeated, timedelta(0))):
            if _exists(match, zone):
                passes = [_instant(match, zone, fold=fold) for fold in (0, 1)]
                found += [slot for slot in passes if slot > moment]
            if found and match > _wall(local):
                break
        return min(found, default=None)

    def _matcher(self, wall: datetime) -> CronSim:
        """What yields every matching time of a wall clock after `wall`."""
        try:
            matcher = CronSim(self.text, wall)
        except CronSimError as error:
            raise InvalidSchedule(f"{self.text!r} is no cron string: {error}") from None
        matcher.day_and |= self.all_must_match
        return matcher

    def _refuse_impossible(self) -> None:
        if next(self._matcher(_LONG_AGO), None) is None:
            raise InvalidSchedule(f"{self.text!r} matches no date within fifty years")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron(_Calendar):
    """Five fields, all of which must match; None is every. Sunday is 0.

    `Cron(hour=4, minute=30, timezone="Europe/Berlin")` is half past four each morning. As a cron
    string would, `Cron(hour=4)` means every minute of that hour.
    """

    minute: int | None = None
    hour: int | None = None
    day_of_month: int | None = None
    month: int | None = None
    day_of_week: int | None = None
    timezone: str = "UTC"

    all_must_match = True

    def __post_init__(self) -> None:
        for name, allowed in _FIELDS.items():
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value not in allowed):
                raise InvalidSchedule(
                    f"{name} is {value!r}: it must be a whole number from {allowed[0]} to "
                    f"{allowed[-1]}, or None for every"
                )
        self._refuse_impossible()

    @classmethod
    def of_text(cls, text: str, *, timezone: str) -> "Cron":
        """Return what has this `text`; InvalidSchedule if none has."""
        parts = text.split()
        if len(parts) != len(_FIELDS) or not all(
            part == "*" or (part.isascii() and part.isdecimal()) for part in parts
        ):
            raise InvalidSchedule(f"{text!r} is not five fields, each a number or *")
        given = [None if part == "*" else int(part) for part in parts]
        return cls(**dict(zip(_FIELDS, given, strict=True)), timezone=timezone)

    @property
    def text(self) -> str:
        values = (getattr(self, name) for name in _FIELDS)
        return " ".join("*" if value is None else str(value) for value in values)


@dataclass(frozen=True, slots=True)
class CronString(_Calendar):
    """A cron string, as Debian's cron reads it; six fields begin with the seconds.

    Where neither day field begins with a star, one of them is enough.
    """

    # A field that cannot change is as good as a property, which pyright does not accept.
    text: str = ""  # pyright: ignore[reportIncompatibleMethodOverride]
    timezone: str = field(default="UTC", kw_only=True)

    all_must_match = False

    def __post_init__(self) -> None:
        given: object = self.text
        if not isinstance(given, str) or len(given) > TEXT_LENGTH:
            raise InvalidSchedule(
                f"a cron string is text of at most {TEXT_LENGTH} characters, not {given!r:.80}"
            )
        object.__setattr__(self, "text", " ".join(self.text.split()))
        self._refuse_impossible()


After = Literal["start", "finish"]


@dataclass(frozen=True, slots=True)
class Every(Recurring):
    """One slot each `span`; with `after="finish"` the span begins when an occurrence has ended."""

    span: timedelta
    after: After = field(default="start", kw_only=True)

    def __post_init__(self) -> None:
        if not SHORTEST_SPAN <= self.span <= LONGEST_SPAN:
            raise InvalidSchedule(
                f"every {self.span} cannot be: from one second to a century is possible"
            )
        if self.after not in ("start", "finish"):
            raise InvalidSchedule(f"after is {self.after!r}: it must be 'start' or 'finish'")

    def next_after(self, moment: datetime, *, anchor: datetime | None = None) -> datetime | None:
        start = moment if anchor is None else anchor
        try:
            return (start + ((moment - start) // self.span + 1) * self.span).astimezone(UTC)
        except OverflowError:
            return None


Rule = Cron | CronString | Every


def every(span: Seconds, *, after: After = "start") -> Every:
    """Return the rule of one slot each `span`, seconds or a timedelta: `every(300)`.

    With `after="finish"` the span begins when the occurrence before has ended, however it ended.
    """
    given: object = span
    if not isinstance(given, int | float | timedelta) or isinstance(given, bool):
        raise InvalidSchedule(f"every is {span!r}: it must be seconds or a timedelta")
    try:
        length = timedelta(seconds=seconds_of(given))
    except (OverflowError, ValueError):
        raise InvalidSchedule(f"every {span!r} seconds cannot be") from None
    return Every(length, after=after)


def zone_of(name: str) -> ZoneInfo:
    """Return the time zone of a name; UnknownTimeZone where this machine knows none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError):  # a folder of zones is an OSError
        raise UnknownTimeZone(name) from None


def _wall(local: datetime) -> datetime:
    """What a clock on the wall shows."""
    return local.replace(tzinfo=None)


def _offset(local: datetime) -> timedelta:
    return local.utcoffset() or timedelta(0)


def _instant(wall: datetime, zone: ZoneInfo, *, fold: int = 0) -> datetime:
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _exists(wall: datetime, zone: ZoneInfo) -> bool:
    """Whether the clocks ever show it: not so in a gap."""
    return _wall(_instant(wall, zone).astimezone(zone)) == wall
