"""Leaving a thread as the next job should find it.

What a handler activates (time zone, language, decimal context, context variables) ends with the
context that it ran in; what is left is its database connections. What it changes of the whole
process, its folder or its locale, stays.
"""

from contextlib import suppress

from asgiref.sync import sync_to_async
from django.db import connections

from .connections import (
    connections_of_thread,
    drop,
    is_in_transaction,
    is_pooled,
)
from .kept_connections import close_kept, keep, keep_while_busy


def clean_thread(*, discard: bool = False, between_jobs: bool = False) -> list[str]:
    """Close the connections that a handler left in a transaction, unusable or too old, and have the
    sessions of the others renewed while they are kept; return the aliases of those whose open
    transaction was rolled back by that.

    With `discard` nothing is kept: a statement may have been cancelled at any point. With
    `between_jobs`, connections without an age of their own are kept until `close_kept` is called.
    """
    left_open: list[str] = []
    for wrapper in connections_of_thread():
        if wrapper.connection is None:
            continue
        if is_in_transaction(wrapper):
            left_open.append(wrapper.alias)
            drop(wrapper)
        elif discard or is_pooled(wrapper):
            drop(wrapper)
        else:
            if between_jobs:
                keep_while_busy(wrapper)
            wrapper.close_if_unusable_or_obsolete()  # and one whose autocommit was switched off
            if wrapper.connection is not None:
                keep(wrapper)
        wrapper.queries_log.clear()
    return left_open


def clean_between_jobs(*, discard: bool = False) -> list[str]:
    """Do the same where other jobs follow in the thread."""
    # No `partial`: with keywords, to call one takes as long as the rest of this.
    return clean_thread(discard=discard, between_jobs=True)


def drop_broken_connections() -> None:
    """Close what failed, so that the next tick opens a new one; a sound connection is kept."""
    for wrapper in connections_of_thread():
        if wrapper.connection is not None and wrapper.errors_occurred:
            wrapper.close()


def close_connections() -> None:
    """Close what a thread that ends has opened."""
    close_kept()
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
