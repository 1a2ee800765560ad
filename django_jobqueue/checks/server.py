"""What only the database itself can tell: for `manage.py check --deploy --database ALIAS`."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.core.checks import CheckMessage, Warning
from django.db import Error as DatabaseError
from django.db import connections

from django_jobqueue.core.errors import ReadTooSlow
from django_jobqueue.store import JobStore, store_for

from .base import settings_if_right, wrapper_if_right

CONNECT_SECONDS = 3
READ_LIMIT = timedelta(seconds=5)


def check_server(*, databases: Collection[str] | None = None, **_: Any) -> Sequence[CheckMessage]:
    """W017: a pooler in transaction mode. W018: a database that only reads. W019: limits of queues
    that are at odds. A database that is away, or lacks tables, is told of by others.
    """
    settings = settings_if_right()
    if settings is None or settings.database not in (databases or ()):
        return []
    messages: list[CheckMessage] = []
    if wrapper_if_right(settings) is not None:
        store = store_for(settings.database)
        for judge in (_read_only, _pooler, _limits_of_queues):
            with (
                suppress(DatabaseError, ReadTooSlow),
                store.connecting_within(CONNECT_SECONDS),
                store.reading(at_most=READ_LIMIT),
            ):
                messages += judge(store)
    return messages


def _read_only(store: JobStore) -> Iterator[CheckMessage]:
    if store.is_read_only():
        yield Warning(
            f"The database {store.using!r} takes no writes: nothing can be enqueued, and workers "
            "wait until it does.",
            hint="Point JOBQUEUE['DATABASE'] at the primary, and at a user whose "
            "default_transaction_read_only is off.",
            id="jobqueue.W018",
        )


def _pooler(store: JobStore) -> Iterator[CheckMessage]:
    options = connections[store.using].settings_dict
    if not options.get("DISABLE_SERVER_SIDE_CURSORS") and store.has_shared_sessions():
        yield Warning(
            f"A pooler in transaction mode is before the database {store.using!r}, and server-side "
            "cursors are not off: a handler that uses iterator() fails.",
            hint=f"Set DISABLE_SERVER_SIDE_CURSORS to True in DATABASES[{store.using!r}]; before "
            "pgbouncer 1.22 set JOBQUEUE['PREPARED_STATEMENTS'] to False, too.",
            id="jobqueue.W017",
        )


def _limits_of_queues(store: JobStore) -> Iterator[CheckMessage]:
    for name, said in sorted(store.limits_in_force().queues.items()):
        most = said.limit.max_running
        if most is not None and said.concurrency is not None and said.concurrency > most:
            yield Warning(
                f"concurrency={said.concurrency} of the queue {name!r} is never reached: "
                f"max_running={most} bounds its jobs in all workers.",
                hint=f"Set one of them: manage.py jobqueue configure {name} …",
                id="jobqueue.W019",
            )
