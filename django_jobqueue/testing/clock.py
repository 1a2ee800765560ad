"""What time it is for the queue, while a test has moved the clock.

Due-ness is decided by the database's clock, which no library freezes. So where freezegun or
time-machine holds the clock of this process, statements on the tables of the queue that ask the
database for the time are given that one instead.
"""

import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from django_jobqueue.core.clock import SystemClock, monotonic

#: What a wrapper of Django's is given to run a statement with.
Execute = Callable[[str, Any, bool, dict[str, Any]], Any]

_CLOCKS_OF_POSTGRESQL = re.compile(
    r"\b(?:(?:clock|statement|transaction)_timestamp|now)\(\)", re.IGNORECASE
)
_CLOCK_OF_SQLITE = re.compile(r"\bstrftime\('[^']*',\s*'now'\)", re.IGNORECASE)
_BASE_OF_SQLITE = re.compile(r"'now'", re.IGNORECASE)
#: A job that is ready now leaves its times to the defaults of their columns.
_INSERT = re.compile(r"(INSERT INTO jobqueue_job \()([^)]*)(\)\s*VALUES \()")
_OURS = re.compile(r"jobqueue_|\ASELECT (?:statement_timestamp\(\)|strftime\()", re.IGNORECASE)

#: The clocks that hold for the queue alone, the innermost last.
_own: list["QueueClock"] = []


def moved_now() -> datetime | None:
    """Return the time that a test has moved to, as aware UTC; None where nobody moved the clock."""
    if _own:
        return _own[-1].now()
    freezegun = sys.modules.get("freezegun.api")
    if freezegun is not None and freezegun.freeze_factories:
        # Asked itself: `datetime.now()` tells the real time to code that freezegun ignores.
        frozen: datetime = freezegun.freeze_factories[-1]()
        return frozen.replace(tzinfo=UTC)
    time_machine = sys.modules.get("time_machine")
    if time_machine is not None and time_machine.escape_hatch.is_travelling():
        return SystemClock().now()
    return None


def is_moved_by_library() -> bool:
    """Whether freezegun or time-machine holds the clock."""
    return not _own and moved_now() is not None


class QueueClock:
    """Stops the time for the queue alone, where neither freezegun nor time-machine is at hand.

        with QueueClock() as clock:
            clock.tick(minutes=5)

    What `at` names must be aware; without it, time stops now. Handlers that ask Python for the time
    are told the real one.
    """

    def __init__(self, at: datetime | None = None) -> None:
        self._now = _aware(at or SystemClock().now())

    def now(self) -> datetime:
        """Return where it stands."""
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Go on to an aware moment, or back."""
        self._now = _aware(moment)

    def tick(self, **span: float) -> None:
        """Go on by a span, in the keywords of timedelta."""
        self._now += timedelta(**span)

    def __enter__(self) -> Self:
        _own.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _own.remove(self)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} names no moment: give it a time zone")
    return moment.astimezone(UTC)


def innermost_clock() -> QueueClock | None:
    """Return the clock that holds for the queue alone, if there is one."""
    return _own[-1] if _own else None


def elapsed() -> float:
    """Return seconds that advance with the test's clock, or with the real one if nobody moved it.

    Only for spans within which the clock is not frozen or let go.
    """
    now = moved_now()
    return monotonic() if now is None else now.timestamp()


class _Following(threading.local):
    """Whether the statements of this thread are told of moved clocks."""

    is_on = False


_following = _Following()


def follow_moved_clocks() -> None:
    """From now on, have the connections of this thread told of moved clocks.

    Other threads, such as those of a worker that a test has started, are left alone.
    """
    _following.is_on = True
    for connection in connections.all(initialized_only=True):
        _follow(connection=connection)
    connection_created.connect(_follow, dispatch_uid="django_jobqueue.testing.clock")


@contextmanager
def database_clock() -> Iterator[None]:
    """Within the block, have this thread ask the database for the time, as on the site: for tests
    of what happens where the clock of a host is wrong.
    """
    before, _following.is_on = _following.is_on, False
    try:
        yield
    finally:
        _following.is_on = before


def _follow(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    if _following.is_on and _at_moved_time not in connection.execute_wrappers:
        connection.execute_wrappers.append(_at_moved_time)


def _at_moved_time(
    execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    if not _following.is_on or (now := moved_now()) is None:
        return execute(sql, params, many, context)
    if isinstance(sql, str) and _OURS.search(sql):
        sql = asking_for(now, sql)
    return execute(sql, params, many, context)


def asking_for(now: datetime, sql: str) -> str:
    """Return the statement with `now` in place of each question for the database's time."""
    if _CLOCKS_OF_POSTGRESQL.search(sql):
        clock = f"'{_text(now)}+00:00'::timestamptz"
        return _CLOCKS_OF_POSTGRESQL.sub(clock, _with_times(sql, clock))
    # SQLite counts in milliseconds. The next whole one: what is due at this very moment is due, and
    # what it adds to that is a whole one as well.
    clock = f"'{_text(now + timedelta(microseconds=-now.microsecond % 1000))}'"
    return _BASE_OF_SQLITE.sub(clock, _CLOCK_OF_SQLITE.sub(clock, _with_times(sql, clock)))


def _with_times(sql: str, clock: str) -> str:
    def fill(found: re.Match[str]) -> str:
        begin, columns, values = found.groups()
        if "created_at" in columns:
            return found[0]
        return f"{begin}created_at, ready_at, {columns}{values}{clock}, {clock}, "

    return _INSERT.sub(fill, sql)


def _text(moment: datetime) -> str:
    # Six digits always: as texts, 12:00:00 would sort before 12:00:00.000.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
