"""Leaving a thread as the next job should find it.

What a handler activates (time zone, language, context variables) ends with the context that it ran
in; what is left is its database connections.
"""

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import suppress

from asgiref.sync import sync_to_async
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

#: ACTIVE, INTRANS and INERROR, as libpq counts them:
#: https://www.psycopg.org/psycopg3/docs/api/pq.html#psycopg.pq.TransactionStatus
_IN_TRANSACTION = (1, 2, 3)


class _Wrappers(threading.local):
    """The connection objects of this thread, made before any of them connects: looking at them
    costs next to nothing.
    """

    def __init__(self) -> None:
        self.all: Sequence[BaseDatabaseWrapper] = tuple(connections.all())


_wrappers = _Wrappers()


def clean_thread() -> list[str]:
    """Close the connections that a handler left in a transaction, unusable or too old; return the
    aliases of those whose open transaction was rolled back by that.
    """
    left_open: list[str] = []
    for wrapper in _wrappers.all:
        if wrapper.connection is None:
            continue
        if wrapper.in_atomic_block or _is_in_transaction(wrapper):
            left_open.append(wrapper.alias)
            _drop(wrapper)
        else:
            wrapper.close_if_unusable_or_obsolete()  # and one whose autocommit was switched off
        wrapper.queries_log.clear()
    return left_open


def _is_in_transaction(wrapper: BaseDatabaseWrapper) -> bool:
    """Ask the driver, which knows of a BEGIN that Django was not told of, without a round trip."""
    if isinstance(wrapper.connection, sqlite3.Connection):
        try:
            return wrapper.connection.in_transaction
        except sqlite3.ProgrammingError:  # the handler closed it behind Django's back
            return False
    status = getattr(getattr(wrapper.connection, "info", None), "transaction_status", None)
    return status in _IN_TRANSACTION


def _drop(wrapper: BaseDatabaseWrapper) -> None:
    # Within atomic(), close() would keep the wrapper unusable until the block's end, which never
    # comes; connecting anew sets it up again.
    wrapper.in_atomic_block = False
    wrapper.closed_in_transaction = False  # or a close() within the block would make this one idle
    wrapper.close()


def drop_broken_connections() -> None:
    """Close what failed, so that the next tick opens a new one; a sound connection is kept."""
    for wrapper in _wrappers.all:
        if wrapper.connection is not None and wrapper.errors_occurred:
            wrapper.close()


def close_connections() -> None:
    """Close what a thread that ends has opened."""
    connections.close_all()


async def clean_async_thread() -> None:
    """Do the same in the thread where async handlers' database calls ran."""
    # Which of the handlers that share the thread left a transaction open, nobody can tell.
    await sync_to_async(clean_thread, thread_sensitive=True)()


async def close_async_connections() -> None:
    """Close what the thread of async handlers' database calls has opened."""
    # Where the interpreter is about to end, that thread has ended, and its connections with it.
    with suppress(RuntimeError):
        await sync_to_async(close_connections, thread_sensitive=True)()
