"""Leaving a thread as the next job should find it.

What a handler activates (time zone, language, context variables) ends with the context that it ran
in; what is left is its database connections.
"""

import threading
from collections.abc import Sequence

from asgiref.sync import sync_to_async
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper


class _Wrappers(threading.local):
    """The connection objects of this thread, made before any of them connects: looking at them
    costs next to nothing.
    """

    def __init__(self) -> None:
        self.all: Sequence[BaseDatabaseWrapper] = tuple(connections.all())


_wrappers = _Wrappers()


def clean_thread() -> None:
    """Close the connections that a handler left in a transaction, unusable or too old."""
    for wrapper in _wrappers.all:
        if wrapper.connection is None:
            continue
        if wrapper.in_atomic_block or not wrapper.get_autocommit():
            wrapper.close()
        else:
            wrapper.close_if_unusable_or_obsolete()
        wrapper.queries_log.clear()


def close_connections() -> None:
    """Close what a thread that ends has opened."""
    connections.close_all()


async def clean_async_thread() -> None:
    """Do the same in the thread where async handlers' database calls ran."""
    await sync_to_async(clean_thread, thread_sensitive=True)()
