"""A table that somebody else holds, on PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager

from django_jobqueue.store.sessions import PsycopgSession


@contextmanager
def table_locked(name: str) -> Iterator[None]:
    """Let every read of the table wait. Not for one that the test's own transaction has read."""
    session = PsycopgSession("default", prepared=False)
    try:
        with session.atomic():
            session.rows("SET LOCAL lock_timeout = '5s'", {})
            session.rows(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE", {})
            yield
    finally:
        session.close()
