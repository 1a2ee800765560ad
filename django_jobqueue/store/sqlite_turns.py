"""Who writes next, on SQLite: the write lock is waited for, and tried again."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from typing import Any

from django.db import transaction

from .connected import Row
from .sqlite_waiters import SQLiteWaiters
from .transient import retrying

#: How long a write is tried for its turn, besides the busy timeout that each try waits.
PATIENCE_SECONDS = 30.0
#: What a try waits in a thread that may be told to give up: SQLite's own wait hears of nothing.
TRY_MILLISECONDS = 250


class _Turns(threading.local):
    """How this thread pauses between two tries for the write lock."""

    wait: Callable[[float], object] | None = None


class SQLiteTurns(SQLiteWaiters):
    """Nobody hears of a lock, unless it outlasts all patience."""

    def __init__(self, using: str, *, suspects: bool, overtime: timedelta) -> None:
        super().__init__(using, suspects=suspects, overtime=overtime)
        self._wait = threading.Event().wait  # never set: a pause
        self._turns = _Turns()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Open a transaction that holds the write lock from the start, whatever its mode."""
        # Within the caller's transaction a second try is in vain: its snapshot stays too old.
        patience = 0.0 if self.connection.in_atomic_block else PATIENCE_SECONDS
        wait = self._turns.wait or self._wait
        with retrying(self._locked, wait=wait, seconds=patience):
            yield

    @contextmanager
    def pausing_with(self, wait: Callable[[float], object]) -> Iterator[None]:
        self._turns.wait, before = wait, self._turns.wait
        try:
            yield
        finally:
            self._turns.wait = before

    def one_write(self) -> AbstractContextManager[object]:
        return self.writing()

    def write_alone(self, text: str, parameters: Mapping[str, Any]) -> list[Row]:
        # A statement that writes takes the lock before it reads, so it needs no BEGIN for that.
        if self.connection.in_atomic_block:
            return super().write_alone(text, parameters)
        return retrying(
            lambda: self._write_shortly(text, parameters),
            wait=self._turns.wait or self._wait,
            seconds=PATIENCE_SECONDS,
        )

    def _write_shortly(self, text: str, parameters: Mapping[str, Any]) -> list[Row]:
        if self._turns.wait is None:  # as in enqueues, which are not told to give up
            return super().write_alone(text, parameters)
        with self._short_tries():
            return super().write_alone(text, parameters)

    def _locked(self) -> ExitStack:
        with self._short_tries(), ExitStack() as stack:
            stack.enter_context(transaction.atomic(using=self.using))
            self.statement("take_write_lock", {})
            return stack.pop_all()

    @contextmanager
    def _short_tries(self) -> Iterator[None]:
        """Where a thread may be told to give up, wait in many short tries instead of a long one."""
        if self._turns.wait is None or self.connection.in_atomic_block:
            yield
            return
        self.connection.ensure_connection()
        raw = self.connection.connection
        [(usual,)] = raw.execute("PRAGMA busy_timeout").fetchall()
        raw.execute(f"PRAGMA busy_timeout = {min(usual, TRY_MILLISECONDS)}")
        try:
            yield
        finally:  # for the commit, which may have to wait for readers
            raw.execute(f"PRAGMA busy_timeout = {usual}")
