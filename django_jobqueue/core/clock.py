"""The one place that asks the time."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

#: A span as callers may give it: a number of seconds, or a timedelta.
Seconds = float | timedelta

# CLOCK_BOOTTIME goes on while the machine is suspended, as a lease does; where it is missing
# (macOS, BSD), CLOCK_MONOTONIC is the nearest.
_ELAPSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def monotonic() -> float:
    """Return seconds that only ever advance, for measuring spans and local deadlines.

    Always real time: freezegun replaces `time.monotonic` wherever a module holds it, but not
    `clock_gettime`, so a worker under a frozen clock still times out, beats and stops.
    """
    return time.clock_gettime(_ELAPSED)


def seconds_of(span: Seconds) -> float:
    """Return a span in seconds."""
    return span.total_seconds() if isinstance(span, timedelta) else float(span)


class Clock(Protocol):
    """Whoever needs the time is handed one of these."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the one place


@dataclass(frozen=True, slots=True)
class DatabaseClock:
    """The database's time, told by a local clock corrected for its `offset` from the database's.

    For display, previews and the warning about skew; what decides is always the time that the
    database itself reads.
    """

    clock: Clock
    offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.clock.now() + self.offset

    def measured(
        self, database_now: datetime, *, before: datetime, after: datetime
    ) -> "DatabaseClock":
        """Return this clock with the offset of a new measurement.

        `before` and `after` are the local clock's times around the round trip that read
        `database_now`, which is taken to have been read half-way: the offset is wrong by at most
        half the round trip.
        """
        halfway = before + (after - before) / 2
        return DatabaseClock(self.clock, database_now - halfway)


def moment_text(moment: datetime) -> str:
    """Return an aware time as a person reads it: "2026-01-31 12:00:00 UTC"."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
