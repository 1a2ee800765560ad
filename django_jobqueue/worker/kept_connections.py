"""Connections between two jobs of a thread: the server renews their sessions meanwhile, and they go
to the next job that asks for one.
"""

import logging
import threading
from collections.abc import Callable
from os import getpid
from typing import Any

import msgspec
from django.db.backends.base.base import BaseDatabaseWrapper

from django_jobqueue.core.clock import monotonic

from .connections import drop

logger = logging.getLogger(__name__)

#: For so long one connection serves jobs that follow each other, where the site wants a new one
#: for each use.
BUSY_SECONDS = 60.0
#: What a server has answered proves for so long that it can still be reached.
FRESH_SECONDS = 0.1
#: What PostgreSQL says `DISCARD ALL` is equivalent to, which cannot be one of several statements:
#: https://www.postgresql.org/docs/current/sql-discard.html
RENEWAL = (
    "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; DEALLOCATE ALL; UNLISTEN *; "
    "SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES"
)


class _Kept(msgspec.Struct, frozen=True):
    """A connection without its wrapper, which connects anew meanwhile if this is not taken."""

    raw: Any
    close_at: float | None
    is_for_next_job: bool  #: the site wants a new one for each use
    since: float
    process: int


class _OfThread(threading.local):
    def __init__(self) -> None:
        self.kept: dict[str, _Kept] = {}
        #: By alias, what `keep_while_busy` has met.
        self.for_next_job: dict[str, object] = {}
        self.renewals: dict[str, bytes] = {}


_of_thread = _OfThread()


def keep_while_busy(wrapper: BaseDatabaseWrapper) -> None:
    """Let a connection that the site wants closed after use (`CONN_MAX_AGE = 0`) serve the jobs
    that follow in this thread, until `close_kept`.
    """
    is_new = _of_thread.for_next_job.get(wrapper.alias) is not wrapper.connection
    if is_new and wrapper.vendor == "postgresql" and wrapper.settings_dict["CONN_MAX_AGE"] == 0:
        _of_thread.for_next_job[wrapper.alias] = wrapper.connection
        wrapper.close_at = monotonic() + BUSY_SECONDS


def keep(wrapper: BaseDatabaseWrapper) -> None:
    """Take a sound connection from its wrapper, for when this is asked for one again; meanwhile the
    server undoes what was set in the session: role, search path, other settings, advisory locks,
    temporary tables. What is not of PostgreSQL is closed.

    Nobody waits for the answer until then. It also tells that the connection is still usable, so
    that one which died in between costs no attempt. What Django and the site set in a new
    connection is set then, too.
    """
    if wrapper.vendor != "postgresql":
        wrapper.close()
        return
    raw: Any = wrapper.connection
    try:
        _renew(raw, wrapper)
    except Exception as error:
        logger.warning("the connection %r was closed, not renewed: %s", wrapper.alias, error)
        drop(wrapper)
        return
    is_for_next_job = _of_thread.for_next_job.get(wrapper.alias) is raw
    _close(_of_thread.kept.pop(wrapper.alias, None))
    _of_thread.kept[wrapper.alias] = _Kept(
        raw, wrapper.close_at, is_for_next_job, since=monotonic(), process=getpid()
    )
    wrapper.connection = None


def close_kept(*, for_next_job_only: bool = False) -> None:
    """Close what was kept in this thread; or only where the site wants that after each use."""
    for alias, kept in list(_of_thread.kept.items()):
        if kept.is_for_next_job or not for_next_job_only:
            del _of_thread.kept[alias]
            _close(kept)


def _close(kept: _Kept | None) -> None:
    if kept is not None:
        kept.raw.close()


def _renew(raw: Any, wrapper: BaseDatabaseWrapper) -> None:
    if wrapper.alias not in _of_thread.renewals:
        _of_thread.renewals[wrapper.alias] = _renewal_of(wrapper)
        _take_kept_first(wrapper)
    if raw.prepare_threshold is None:
        raw.pgconn.send_query(_of_thread.renewals[wrapper.alias])
        raw.pgconn.flush()
    else:
        raw.execute("DISCARD ALL")  # psycopg sees that its prepared statements are gone


def _renewal_of(wrapper: BaseDatabaseWrapper) -> bytes:
    """With the time zone that Django wants: it would be set in a round trip of its own wherever the
    server's is spelled otherwise, `Etc/UTC` for `UTC`.
    """
    from psycopg import sql

    if not wrapper.timezone_name:
        return RENEWAL.encode()
    return f"{RENEWAL}; SET TimeZone = {sql.quote(wrapper.timezone_name)}".encode()


def _take_kept_first(wrapper: BaseDatabaseWrapper) -> None:
    """Whatever connects the wrapper, be it a handler that goes on with the driver's connection."""
    connect_anew: Callable[[Any], Any] = wrapper.get_new_connection

    def get_new_connection(parameters: Any) -> Any:
        kept = _taken(wrapper.alias)
        if kept is None:
            return connect_anew(parameters)
        wrapper.close_at = kept.close_at
        return kept.raw

    wrapper.get_new_connection = get_new_connection  # type: ignore[assignment, method-assign]


def _taken(alias: str) -> _Kept | None:
    """Return what is kept once its server has answered; None if there is none, or it is dead."""
    kept = _of_thread.kept.pop(alias, None)
    if kept is None or kept.process != getpid():  # a fork must not touch what its parent uses
        return None
    try:
        _check(kept)
    except BaseException as error:
        kept.raw.close()
        if not isinstance(error, Exception):
            raise
        logger.warning("the connection %r was closed, not renewed: %s", alias, error)
        return None
    return kept


def _check(kept: _Kept) -> None:
    from psycopg import OperationalError, generators, pq

    pgconn = kept.raw.pgconn
    if pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
        for result in kept.raw.wait(generators.execute(pgconn)):
            if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
                raise OperationalError(result.get_error_message())
    # What a server says before it ends a connection, and its end.
    pgconn.consume_input()
    pgconn.consume_input()
    if monotonic() - kept.since > FRESH_SECONDS:
        kept.raw.execute("SELECT 1")
