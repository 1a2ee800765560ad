"""Handlers inside the transaction of a test, as if they ran where there is none.

A worker runs handlers in autocommit mode: a statement that fails undoes itself alone, and callbacks
of `on_commit` run once the handler's outermost block has ended. Within a TestCase, everything is
inside one transaction: on PostgreSQL the first failed statement would end it, and no callback would
ever run.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from django_jobqueue.worker.connections import is_in_transaction

from .clock import Execute

logger = logging.getLogger(__name__)

#: Django's own savepoints: where a block begins, and where it was rolled back or has ended.
_BEGIN, _ROLL_BACK, _END = "SAVEPOINT", "ROLLBACK TO SAVEPOINT", "RELEASE SAVEPOINT"
#: Databases in which a statement that fails ends the transaction.
_UNFORGIVING = ("postgresql",)


class Autocommit:
    """One connection in the transaction of a test; what is open now counts as no transaction."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._is_nested = connection.in_atomic_block
        self._depth = len(connection.savepoint_ids)
        self._callbacks = len(connection.run_on_commit)
        self._is_unforgiving = connection.vendor in _UNFORGIVING
        self._has_own_savepoint = False

    @contextmanager
    def emulated(self) -> Iterator["Autocommit"]:
        if not self._is_nested:
            yield self
            return
        connection: Any = self._connection
        connection.execute_wrappers.append(self._execute)
        before = vars(connection).pop("on_commit", None)  # where blocks like this one are nested
        connection.on_commit = self._on_commit
        try:
            yield self
        finally:
            del connection.on_commit
            if before is not None:
                connection.on_commit = before
            connection.execute_wrappers.remove(self._execute)

    @property
    def is_outside(self) -> bool:
        """Whether no block is open but those of the test."""
        if not self._is_nested:
            return not is_in_transaction(self._connection)
        return len(self._connection.savepoint_ids) <= self._depth

    def _on_commit(self, callback: Callable[[], object], robust: bool = False) -> None:
        register = type(self._connection).on_commit
        register(self._connection, callback, robust)
        self._settle()

    def _settle(self) -> None:
        """Run the callbacks that are due, where Django would run them."""
        connection = self._connection
        while self.is_outside and len(connection.run_on_commit) > self._callbacks:
            registered: Any = connection.run_on_commit.pop(self._callbacks)
            _, callback, is_robust = registered
            try:
                callback()
            except Exception:
                if not is_robust:
                    raise
                logger.exception("an on_commit() callback failed")

    def roll_back_leftovers(self) -> bool:
        """Roll back blocks that were left open; return whether there were any."""
        connection = self._connection
        if self.is_outside:
            connection.needs_rollback = False
            return False
        if not self._is_nested:
            connection.in_atomic_block = False
            connection.savepoint_ids.clear()
            connection.atomic_blocks.clear()
            connection.rollback()
            connection.set_autocommit(True)
            return True
        while len(connection.savepoint_ids) > self._depth:
            connection.atomic_blocks.pop()
            if (savepoint := connection.savepoint_ids.pop()) is not None:
                connection.needs_rollback = False
                connection.savepoint_rollback(savepoint)
        connection.needs_rollback = False
        return True

    def _execute(
        self, execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        text = str(sql)
        if not self.is_outside or self._has_own_savepoint or text.startswith((_BEGIN, _ROLL_BACK)):
            return execute(sql, params, many, context)
        if text.startswith(_END):
            result = execute(sql, params, many, context)
            self._settle()
            return result
        # A save() that failed says so: its statement was undone alone.
        self._connection.needs_rollback = False
        if not self._is_unforgiving:
            return execute(sql, params, many, context)
        with self._own_savepoint():
            return execute(sql, params, many, context)

    @contextmanager
    def _own_savepoint(self) -> Iterator[None]:
        connection = self._connection
        self._has_own_savepoint = True
        try:
            savepoint = connection.savepoint()
            assert savepoint is not None  # the test's transaction is open
            try:
                yield
            except BaseException:
                connection.savepoint_rollback(savepoint)
                raise
            finally:
                connection.savepoint_commit(savepoint)
        finally:
            self._has_own_savepoint = False


class TransactionsOfTest:
    """All connections of the calling thread."""

    def __init__(self) -> None:
        self._of_alias: dict[str, Autocommit] = {}

    @contextmanager
    def emulated(self) -> Iterator["TransactionsOfTest"]:
        with ExitStack() as stack:
            for connection in connections.all():
                emulated = Autocommit(connection).emulated()
                self._of_alias[connection.alias] = stack.enter_context(emulated)
            yield self

    def left_open(self, *, but: str | None = None) -> list[str]:
        """Return the aliases on which a block is open that is none of the test's."""
        return [
            alias for alias, one in self._of_alias.items() if alias != but and not one.is_outside
        ]

    def clean(self) -> list[str]:
        """Leave the connections as the next job should find them; return the aliases of those on
        which a block had been left open.
        """
        return [alias for alias, one in self._of_alias.items() if one.roll_back_leftovers()]
