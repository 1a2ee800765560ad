"""Several statements in one message, on Django's connection to PostgreSQL."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError

from .sessions import DjangoSession, Row, rows_of


def can_send_message(wrapper: Any) -> bool:
    """Whether `send_message` works now: no transaction is open, the driver binds parameters by
    itself, and nobody who surrounds the statements of this connection expects one at a time.
    """
    if wrapper.execute_wrappers or DjangoSession(wrapper.alias).is_in_transaction:
        return False
    from psycopg import ClientCursor
    from psycopg.pq import PipelineStatus

    raw = wrapper.connection
    return (
        issubclass(raw.cursor_factory, ClientCursor)
        and raw.pgconn.pipeline_status == PipelineStatus.OFF
    )


def send_message(
    wrapper: Any, statements: Sequence[str], parameters: Mapping[str, Any]
) -> list[list[Row]]:
    """Run statements that begin and commit a transaction among them; return the rows of each.

    Where one fails, those behind it are not run, and the transaction is rolled back.
    """
    with _left_idle(wrapper), wrapper.cursor() as cursor:
        cursor.execute(";".join(statements), parameters)
        rows = [rows_of(cursor)]
        while cursor.nextset():
            rows.append(rows_of(cursor))
        return rows


@contextmanager
def _left_idle(wrapper: Any) -> Iterator[None]:
    """End the transaction, or the statement, that an error or an interrupt has left."""
    try:
        yield
    except BaseException:
        raw = wrapper.connection
        status = None if raw is None else raw.info.transaction_status.name
        try:
            if status in ("INTRANS", "INERROR"):
                wrapper.rollback()
            elif status == "ACTIVE":
                wrapper.close()
        except DatabaseError:
            wrapper.close()
        raise
