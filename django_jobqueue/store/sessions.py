"""Two ways to run a statement: on Django's connection, or on a psycopg connection apart from it.

The pump has the second kind: outside any pool, bound on the server and prepared, and never shared
with handlers. A test that drains inside its own transaction uses the first.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from django.db import connections, transaction

from .meanwhile import Meanwhile, nothing

APPLICATION_NAME = "django_jobqueue"
Row = tuple[Any, ...]
Parameters = Mapping[str, Any]
Statement = tuple[str, Parameters]


class Session(Protocol):
    """Runs SQL with `%(name)s` parameters."""

    def open(self) -> None:
        """Connect, unless it is connected; every other method does so by itself."""

    def rows(self, sql: str, parameters: Parameters) -> list[Row]:
        """Run one statement; return its rows, or none where it has none to give."""
        ...

    def changed(self, sql: str, parameters: Parameters) -> int:
        """Run one statement; return how many rows it changed."""
        ...

    def together(
        self, statements: Sequence[Statement], *, meanwhile: Meanwhile = nothing
    ) -> list[list[Row]]:
        """Run statements as one transaction, in one round trip where that can be had; return the
        rows of each. `meanwhile` is called as soon as they are sent, or else before.
        """
        ...

    def atomic(self) -> AbstractContextManager[object]:
        """Open a transaction, or a savepoint in the one that is open."""
        ...

    @property
    def is_in_transaction(self) -> bool:
        """Whether what is sent next is committed together with anything else."""
        ...

    def close(self) -> None:
        """Give the connection back."""


class DjangoSession:
    """Statements on the Django connection of the calling thread."""

    def __init__(self, using: str) -> None:
        self.using = using

    def open(self) -> None:
        connections[self.using].ensure_connection()

    def rows(self, sql: str, parameters: Parameters) -> list[Row]:
        with connections[self.using].cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

    def changed(self, sql: str, parameters: Parameters) -> int:
        with connections[self.using].cursor() as cursor:
            cursor.execute(sql, parameters)
            return int(cursor.rowcount)

    def together(
        self, statements: Sequence[Statement], *, meanwhile: Meanwhile = nothing
    ) -> list[list[Row]]:
        meanwhile()
        with self.atomic():
            return [self.rows(sql, parameters) for sql, parameters in statements]

    def atomic(self) -> AbstractContextManager[object]:
        return transaction.atomic(using=self.using)

    @property
    def is_in_transaction(self) -> bool:
        wrapper = connections[self.using]
        # Each may be true while the other is not: before the first statement of an atomic block,
        # and after a BEGIN that Django was not told of.
        return wrapper.in_atomic_block or not wrapper.get_autocommit() or _has_begun(wrapper)

    def close(self) -> None:
        connections[self.using].close()


def _has_begun(wrapper: Any) -> bool:
    info = getattr(wrapper.connection, "info", None)
    return info is not None and info.transaction_status.name != "IDLE"


def connection_parameters(using: str, *, name: str = APPLICATION_NAME) -> dict[str, Any]:
    """Return what psycopg takes to connect to an alias apart from Django's connection."""
    parameters: dict[str, Any] = connections[using].get_connection_params()
    # Django's own adapters and cursors bind on the client; these connections are for prepared
    # statements.
    for option in ("context", "cursor_factory", "prepare_threshold"):
        parameters.pop(option, None)
    parameters.setdefault("application_name", name)
    parameters.setdefault("connect_timeout", 3)
    return parameters


class PsycopgSession:
    """Statements on a psycopg connection of its own, in autocommit mode. Threads may share it, one
    statement at a time; `together`, `atomic` and hearing are for a session of one thread.

    Errors are psycopg's, not Django's. After a lost connection the next statement opens a new one.
    """

    def __init__(self, using: str, *, prepared: bool = True, name: str = APPLICATION_NAME) -> None:
        self.using: str = using
        self.name: str = name
        self._prepare_threshold = 0 if prepared else None
        self._connection: Any = None
        self._opening = threading.Lock()

    def open(self) -> None:
        self._connected()

    def rows(self, sql: str, parameters: Parameters) -> list[Row]:
        with self._left_idle() as connection:
            return rows_of(connection.execute(sql, parameters))

    def changed(self, sql: str, parameters: Parameters) -> int:
        with self._left_idle() as connection:
            return int(connection.execute(sql, parameters).rowcount)

    @contextmanager
    def _left_idle(self) -> Iterator[Any]:
        """Give up a connection that an interrupt, such as a timeout, left amid a statement."""
        connection = self._connected()
        try:
            yield connection
        except BaseException:
            if connection.info.transaction_status.name == "ACTIVE":
                connection.close()
            raise

    def together(
        self, statements: Sequence[Statement], *, meanwhile: Meanwhile = nothing
    ) -> list[list[Row]]:
        if len(statements) == 1:
            meanwhile()
            return [self.rows(*statements[0])]  # a pipeline takes a few system calls more
        connection = self._connected()
        # Outside a transaction block, all statements up to the pipeline's sync are one implicit
        # transaction:
        # https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
        with connection.pipeline():
            cursors = [connection.execute(sql, parameters) for sql, parameters in statements]
            meanwhile()  # the commit is sent when the pipeline is left
        # A cursor knows its answer only when the pipeline has been left.
        return [rows_of(cursor) for cursor in cursors]

    @contextmanager
    def atomic(self) -> Iterator[None]:
        with self._connected().transaction():
            yield

    @property
    def is_in_transaction(self) -> bool:
        return bool(self._connected().info.transaction_status.name != "IDLE")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def connection(self) -> Any:
        """The psycopg connection, opened if need be."""
        return self._connected()

    def _connected(self) -> Any:
        if self.current is None:
            with self._opening:  # or two threads open one each, and one of them is never closed
                if self.current is None:
                    self.close()
                    self._connection = self._open()
        return self._connection

    @property
    def current(self) -> Any:
        """The psycopg connection, or None where it is not connected."""
        connection = self._connection
        # A broken one is closed, too.
        return None if connection is None or connection.closed else connection

    def _open(self) -> Any:
        import psycopg
        from psycopg import sql

        opened = psycopg.connect(
            **connection_parameters(self.using, name=self.name),
            autocommit=True,
            prepare_threshold=self._prepare_threshold,
        )
        if role := connections[self.using].settings_dict["OPTIONS"].get("assume_role"):
            opened.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        return opened


def rows_of(cursor: Any) -> list[Row]:
    """Return the rows that psycopg's cursor is at; none where its statement has none to give."""
    # Not asked for its description, to say whether it has any: of each column one would be made.
    return [] if cursor.rownumber is None else cursor.fetchall()
