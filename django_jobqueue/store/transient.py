"""Which database errors are worth another try, and the loop that tries.

Errors arrive as Django's, with the driver's as their cause, or as the driver's own from a
connection apart from Django's.
"""

import random
import sqlite3
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import DataError, IntegrityError, InterfaceError, OperationalError

from django_jobqueue.compat import HAS_PSYCOPG

FIRST_WAIT, LONGEST_WAIT = 0.02, 1.0
#: Serialization failure, deadlock, lock timeout, statement timeout, read-only after a failover.
_TRANSIENT_STATES = frozenset({"40001", "40P01", "55P03", "57014", "25006"})
#: Connection exceptions, and operator intervention that ends the connection.
_LOST_STATES = frozenset({"57P01", "57P02", "57P03"})
_LOST_CLASS, _RESOURCES_CLASS = "08", "53"
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PRIMARY_CODE = 0xFF
_CANCELLED_STATE = "57014"

_operational: tuple[type[Exception], ...] = (OperationalError,)
_interface: tuple[type[Exception], ...] = (InterfaceError,)
_data: tuple[type[Exception], ...] = (DataError, IntegrityError, UnicodeError, OverflowError)
if HAS_PSYCOPG:
    import psycopg

    _operational += (psycopg.OperationalError,)
    _interface += (psycopg.InterfaceError,)
    _data += (psycopg.DataError, psycopg.IntegrityError)

T = TypeVar("T")


def is_transient(error: BaseException) -> bool:
    """Say whether the same work may succeed later, with nothing changed but the time."""
    state = _driver_fact(error, "sqlstate")
    if state is not None:
        return (
            state in _TRANSIENT_STATES
            or state.startswith(_RESOURCES_CLASS)
            or is_connection_lost(error)
        )
    return _is_busy(error) or is_connection_lost(error)


def is_connection_lost(error: BaseException) -> bool:
    """Say whether the connection is gone, so that it must be opened anew before anything else."""
    state = _driver_fact(error, "sqlstate")
    if state is not None:
        return state in _LOST_STATES or state.startswith(_LOST_CLASS)
    if isinstance(error, _interface):
        return True
    # Without a state the server said nothing: the connection failed, or broke.
    return isinstance(error, _operational) and not _comes_from_sqlite(error)


def is_database_away(error: BaseException) -> bool:
    """Say whether the database could not be reached, or was lost on the way: then nobody knows
    whether what was sent has been done.
    """
    code = _driver_fact(error, "sqlite_errorcode")
    if code is not None:
        return bool(code & _PRIMARY_CODE == sqlite3.SQLITE_CANTOPEN)
    return is_connection_lost(error)


def is_data_error(error: BaseException) -> bool:
    """Say whether what was to be written is at fault, so that the same rows will fail again."""
    return isinstance(error, _data)


def is_cancelled_statement(error: BaseException) -> bool:
    """Say whether somebody had the database end this statement."""
    if _driver_fact(error, "sqlite_errorcode") == sqlite3.SQLITE_INTERRUPT:
        return True
    return bool(_driver_fact(error, "sqlstate") == _CANCELLED_STATE)


def retrying(
    work: Callable[[], T],
    *,
    wait: Callable[[float], object],
    seconds: float,
    worth_it: Callable[[BaseException], bool] = is_transient,
) -> T:
    """Do `work`, again after each error that is `worth_it`, for about `seconds`; then raise it.

    Waits grow, with jitter. `wait` takes seconds, as `Event.wait` does; a true answer means stop,
    and the error is raised at once.
    """
    deadline = time.monotonic() + seconds
    pause = FIRST_WAIT
    while True:
        try:
            return work()
        except Exception as error:
            left = deadline - time.monotonic()
            if left <= 0 or not worth_it(error):
                raise
            jitter = random.uniform(0.5, 1.5)  # noqa: S311 - it spreads, and hides nothing
            if wait(min(left, pause * jitter)):
                raise
        pause = min(pause * 2, LONGEST_WAIT)


def _is_busy(error: BaseException) -> bool:
    code = _driver_fact(error, "sqlite_errorcode")
    return code is not None and code & _PRIMARY_CODE in _BUSY


def _comes_from_sqlite(error: BaseException) -> bool:
    return isinstance(error.__cause__, sqlite3.Error)


def _driver_fact(error: BaseException, name: str) -> Any:
    """The driver's error is the error itself, or the cause of Django's."""
    own = getattr(error, name, None)
    return getattr(error.__cause__, name, None) if own is None else own
