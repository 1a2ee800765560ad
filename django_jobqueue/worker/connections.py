"""The database connections of a thread that runs handlers: what state they are in, cancelling what
one runs, and dropping one in whatever state.
"""

import logging
import sqlite3
import threading
from collections.abc import Sequence
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger(__name__)

#: ACTIVE, INTRANS and INERROR, as libpq counts them:
#: https://www.psycopg.org/psycopg3/docs/api/pq.html#psycopg.pq.TransactionStatus
_ACTIVE = 1
_IN_TRANSACTION = (_ACTIVE, 2, 3)
#: What a server has to answer that a statement was cancelled.
CANCEL_SECONDS = 1.0


class _Wrappers(threading.local):
    """The connection objects of this thread, made before any of them connects: looking at them
    costs next to nothing.
    """

    def __init__(self) -> None:
        self.all: Sequence[BaseDatabaseWrapper] = tuple(connections.all())


_wrappers = _Wrappers()


def connections_of_thread() -> Sequence[BaseDatabaseWrapper]:
    """Return Django's connection objects of this thread, connected or not."""
    return _wrappers.all


def is_in_transaction(wrapper: BaseDatabaseWrapper) -> bool:
    """Ask Django, and the driver, which knows of a BEGIN that Django was not told of; without a
    round trip.
    """
    if wrapper.connection is None:
        return False
    if wrapper.in_atomic_block:
        return True
    if isinstance(wrapper.connection, sqlite3.Connection):
        try:
            return wrapper.connection.in_transaction
        except sqlite3.ProgrammingError:  # the handler closed it behind Django's back
            return False
    return _status_of(wrapper.connection) in _IN_TRANSACTION


def cancel_statements(wrappers: Sequence[BaseDatabaseWrapper]) -> None:
    """Cancel what these connections are running; from any thread. It raises nothing, and costs
    nothing where no statement runs.
    """
    for wrapper in wrappers:
        raw: Any = wrapper.connection
        try:
            if isinstance(raw, sqlite3.Connection):
                raw.interrupt()
            elif _status_of(raw) == _ACTIVE:
                raw.cancel_safe(timeout=CANCEL_SECONDS)
        except Exception as error:
            # It has just ended, or its server cannot be reached: the interrupt comes all the same.
            logger.warning("a statement on %r was not cancelled: %s", wrapper.alias, error)


def drop(wrapper: BaseDatabaseWrapper) -> None:
    """Close the connection in whatever state it is."""
    # Within atomic(), close() would keep the wrapper unusable until the block's end, which never
    # comes; connecting anew sets it up again.
    wrapper.in_atomic_block = False
    wrapper.closed_in_transaction = False  # or a close() within the block would make this one idle
    if is_pooled(wrapper) and wrapper.connection is not None:
        wrapper.connection.close()  # its pool replaces it
    wrapper.close()


def is_pooled(wrapper: BaseDatabaseWrapper) -> bool:
    """Whether closing the connection gives its session to whoever asks the pool next."""
    return getattr(wrapper, "pool", None) is not None


def _status_of(raw: object) -> object:
    return getattr(getattr(raw, "info", None), "transaction_status", None)
