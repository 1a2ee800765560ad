"""Statements for handlers to wait in."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from .site import PATIENCE, within

ENDLESS = {
    "postgresql": "SELECT pg_sleep(3600)",
    "sqlite": "WITH RECURSIVE all_of(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM all_of)"
    " SELECT max(n) FROM all_of",
}
_LOCK = 4711
_WAITS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def wait_in_sql() -> None:
    with connection.cursor() as cursor:
        cursor.execute(ENDLESS[connection.vendor])


def ask() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return int(cursor.fetchone()[0])


class HeldStatement:
    """A statement that runs until the test lets it go; on SQLite in a function of Python's, on
    PostgreSQL waiting for a lock of the test's own session.
    """

    def __init__(self) -> None:
        self._entered, self._let_go = threading.Event(), threading.Event()

    def run(self) -> int:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                connection.connection.create_function("held", 0, self._hold)
                cursor.execute("SELECT held()")
            else:
                cursor.execute(f"SELECT 1 FROM pg_advisory_lock({_LOCK})")
            return int(cursor.fetchone()[0])

    def _hold(self) -> int:
        self._entered.set()
        assert self._let_go.wait(PATIENCE)
        return 1

    @contextmanager
    def held(self) -> Iterator[None]:
        """Whoever runs it is kept until the end of the block."""
        if connection.vendor == "sqlite":
            yield
            self._let_go.set()
            return
        _tell(f"SELECT pg_advisory_lock({_LOCK})")
        yield
        _tell(f"SELECT pg_advisory_unlock({_LOCK})")

    def has_begun(self) -> bool:
        if connection.vendor == "sqlite":
            return self._entered.wait(PATIENCE)
        return within(PATIENCE, lambda: _tell(_WAITS) == 1)


def _tell(sql: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]
