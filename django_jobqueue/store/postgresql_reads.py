"""Reads that PostgreSQL ends itself when they take too long."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import OperationalError, connections, transaction

from django_jobqueue.core.errors import ReadTooSlow

from . import sql

_QUERY_CANCELED = "57014"


@contextmanager
def reads_of_at_most(span: timedelta, *, using: str) -> Iterator[None]:
    """Let no statement of the block run for longer on Django's connection; ReadTooSlow for one that
    would have.
    """
    connection = connections[using]
    is_within = connection.in_atomic_block
    try:
        with transaction.atomic(using=using), connection.cursor() as cursor:
            limit = {"milliseconds": max(1, round(span.total_seconds() * 1000))}
            cursor.execute(sql.load("postgresql", "limit_statements"), limit)
            [(before, _)] = cursor.fetchall()
            yield
            if is_within:  # it would hold until the end of the caller's transaction
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _QUERY_CANCELED:
            raise
        raise ReadTooSlow(span) from error
