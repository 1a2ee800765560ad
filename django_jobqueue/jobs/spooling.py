"""Enqueues while the database cannot be reached: kept in the spool of this host, and flushed into
the database by whoever comes first, exactly once.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
from django.db import connections, transaction

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.clock import SystemClock, monotonic
from django_jobqueue.core.specs import Inserted, NewJob
from django_jobqueue.events import events
from django_jobqueue.service import Trouble
from django_jobqueue.store import JobStore
from django_jobqueue.store.spool import Entry, Kind, Spool
from django_jobqueue.store.transient import is_database_away

from .flushing import BATCH, JobFlush

#: The spools to which this process has added since it last began to flush them.
_with_own_entries: set[Path] = set()
_trouble = Trouble(elapsed=monotonic)


def spool_of(settings: JobQueueSettings) -> Spool | None:
    """Return the spool of the database that keeps jobs; None where JOBQUEUE names no directory."""
    return None if settings.spool is None else Spool(settings.spool, using=settings.database)


def insert_or_spool(
    jobs: Sequence[NewJob], *, store: JobStore, settings: JobQueueSettings
) -> list[Inserted] | UUID:
    """Store the jobs of one enqueue; where the database is away, keep them in the spool and return
    their receipt.

    Within a transaction nothing is ever spooled: it cannot commit any more. SpoolUnusable where
    neither will have them.
    """
    spool = spool_of(settings)
    if spool is None or _is_in_transaction(store.using):
        answers = store.insert_all(jobs)
    else:
        called_at, receipt = SystemClock().now(), uuid4()
        try:
            answers = _insert_at_second_try(receipt, jobs, store=store)
        except Exception as error:
            if not is_database_away(error):
                raise
            _keep(jobs, receipt, spool=spool, called_at=called_at, error=error)
            return receipt
        if _trouble.is_over():
            events.emit("enqueue.database_answered")
    if spool is not None and spool.path in _with_own_entries:
        _flush_own_after_commit(spool, store=store, settings=settings)
    return answers


def _is_in_transaction(using: str) -> bool:
    """Whether the caller has one open, asked without opening a connection."""
    connection = connections[using]
    if connection.connection is None:
        return connection.in_atomic_block or not connection.settings_dict["AUTOCOMMIT"]
    return connection.in_atomic_block or not connection.autocommit


def _insert_at_second_try(
    receipt: UUID, jobs: Sequence[NewJob], *, store: JobStore
) -> list[Inserted]:
    """Of a connection that was open before it shows only now that it is dead; a new one may do."""
    connection = connections[store.using]
    was_open = connection.connection is not None
    try:
        answers = store.insert_once(receipt, jobs)
    except Exception as error:
        if not is_database_away(error):
            raise
        connection.close()
        if not was_open:
            raise
        answers = None if store.jobs_of_receipt(receipt) else store.insert_once(receipt, jobs)
    if answers is not None:
        return answers
    # The first try was committed, and only its answer was lost.
    return [Inserted(id=one, created=True) for one in store.jobs_of_receipt(receipt) or ()]


def _keep(
    jobs: Sequence[NewJob], receipt: UUID, *, spool: Spool, called_at: datetime, error: Exception
) -> None:
    content = msgspec.json.encode(jobs).decode()
    entry = Entry(receipt=receipt, kind=Kind.JOBS, spooled_at=called_at, content=content)
    spool.add([entry])
    _with_own_entries.add(spool.path)
    if _trouble.is_worth_telling():
        events.emit("enqueue.database_failed", error=error, spool=spool.path)
    facts = {"handler": jobs[0].handler, "queue": jobs[0].queue, "count": len(jobs)}
    events.emit("jobs.spooled", receipt=receipt, **facts)


def _flush_own_after_commit(spool: Spool, *, store: JobStore, settings: JobQueueSettings) -> None:
    """The database answers again: a worker may be far away, or none on this host."""

    def flush() -> None:  # Django's report of a failure asks for a __qualname__
        _flush_own(spool, store=store, settings=settings)

    if connections[store.using].in_atomic_block or not _is_in_transaction(store.using):
        transaction.on_commit(flush, using=store.using, robust=True)


def _flush_own(spool: Spool, *, store: JobStore, settings: JobQueueSettings) -> None:
    """A batch per enqueue, so that no caller waits for a whole outage's worth."""
    # Before the flush: what another thread adds meanwhile is not forgotten.
    _with_own_entries.discard(spool.path)
    try:
        flushed = JobFlush(spool, store=store, settings=settings).run(limit=BATCH)
    except Exception as error:
        # The caller's own job is stored: it is no failure of the enqueue.
        _with_own_entries.add(spool.path)
        events.emit("spool.flush_failed", error=error)
    else:
        if flushed.entries >= BATCH:
            _with_own_entries.add(spool.path)
