"""One look, as PostgreSQL measures it, and a database where it is worth measuring."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg

from django_jobqueue.store.sessions import PsycopgSession

from .plans import Prepared, add_living_worker, buffers_of, without_dead_rows


class Look:
    """One statement: how many rows it answers, and how many pages it looked at."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        text: str,
        parameters: Mapping[str, object],
    ) -> None:
        with connection.transaction(force_rollback=True):
            statement = Prepared(connection, text)
            self.rows = statement.execute(parameters)
            self.buffers = buffers_of(statement.explain(parameters))


@contextmanager
def beside_a_snapshot(
    ended: str, parameters: Sequence[object], *, living: UUID
) -> Iterator[psycopg.Connection[Any]]:
    """Yield a connection to a database where the jobs that `ended` inserts have ended, while
    another transaction holds a snapshot from before, and one worker lives.
    """
    holder, session = (PsycopgSession("default", prepared=False) for _ in range(2))
    opened = session.connection
    without_dead_rows(opened)
    holder.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    holder.connection.execute("SELECT count(*) FROM jobqueue_job")
    try:
        opened.execute(ended, parameters)
        opened.execute("DELETE FROM jobqueue_job")
        add_living_worker(opened, living)
        opened.execute("VACUUM ANALYZE jobqueue_job")
        yield opened
    finally:
        holder.close()
        opened.execute("DELETE FROM jobqueue_job")
        opened.execute("DELETE FROM jobqueue_worker WHERE id = %s", [living])
        opened.execute("VACUUM jobqueue_job")
        session.close()
