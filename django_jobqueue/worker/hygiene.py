"""Leaving a thread as the next job should find it."""

from asgiref.sync import sync_to_async
from django.db import connections, reset_queries
from django.utils import timezone, translation


def clean_thread() -> None:
    """Close the connections that a handler left in a transaction, unusable or too old; undo what it activated."""
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block or not connection.get_autocommit():
            connection.close()
        else:
            connection.close_if_unusable_or_obsolete()
    timezone.deactivate()
    translation.deactivate()
    reset_queries()


def close_connections() -> None:
    """Close what a thread that ends has opened."""
    connections.close_all()


async def clean_async_thread() -> None:
    """Do the same in the thread where async handlers' database calls ran."""
    await sync_to_async(clean_thread, thread_sensitive=True)()
