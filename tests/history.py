"""A site with a past: a busy queue, and one about which nobody asked for long."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.store.plans import rows_read

ROWS = 15_000
#: Less than any walk over ROWS costs, and more than some hundred rows by index.
FEW = {"postgresql": 2_000, "sqlite": 150}
_STEPS = 100
_READS_JOBS = re.compile(r"(--.*\s+)*\(?(SELECT|WITH)\b(?s:.)*\bjobqueue_")
_NUMBERS = (
    "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s) "
)
_LIVE = """
INSERT INTO jobqueue_job (queue, state, handler, blocked_by) {numbers}
SELECT CASE WHEN n <= 30 THEN 'quiet' ELSE 'busy' END,
    CASE n %% 3 WHEN 0 THEN 'scheduled' WHEN 1 THEN 'blocked' ELSE 'ready' END, 'busy',
    CASE WHEN n %% 3 = 1 THEN CASE WHEN n <= 30 THEN 'key:quiet' ELSE 'key:busy' END END
FROM numbers
"""
_FINAL = """
INSERT INTO {table} (id, queue, handler, {column}, finished_at) {numbers}
SELECT n, CASE WHEN n <= 10 THEN 'quiet' ELSE 'busy' END,
    CASE WHEN n <= 10 THEN 'quiet' ELSE 'busy' END, CASE WHEN n <= 10 THEN %s ELSE %s END, {at}
FROM numbers
"""
_SECONDS_AGO = {
    "postgresql": "now() - ({rows} - n) * interval '60 seconds'",
    "sqlite": "datetime('now', ((n - {rows}) * 60) || ' seconds')",
}


def many_jobs(count: int, *, state: str, queue: str) -> None:
    """Store live jobs with one statement: the ORM would take its time."""
    text = f"INSERT INTO jobqueue_job (queue, state) {_NUMBERS} SELECT %s, %s FROM numbers"
    with connection.cursor() as cursor:
        cursor.execute(text, [count, queue, state])


def a_long_history() -> None:
    """Store as many live jobs, archived jobs and dead letters as ROWS, one a minute; few are
    quiet.
    """
    at = _SECONDS_AGO[connection.vendor].format(rows=ROWS)
    with connection.cursor() as cursor:
        cursor.execute(_LIVE.format(numbers=_NUMBERS), [ROWS])
        for table, column, rare, usual in (
            ("jobqueue_archivedjob", "state", "cancelled", "succeeded"),
            ("jobqueue_deadjob", "reason", "poison", "exhausted"),
        ):
            text = _FINAL.format(table=table, column=column, numbers=_NUMBERS, at=at)
            cursor.execute(text, [ROWS, rare, usual])
        cursor.execute("ANALYZE")


@contextmanager
def without(index: str) -> Iterator[None]:
    """Take an index away, to see that it is needed."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {index}")
        yield
        transaction.set_rollback(True)


def cost_of(read: Callable[[], Any]) -> int:
    """Return what the read looks at: rows on PostgreSQL, steps in hundreds on SQLite."""
    return _steps_of(read) if connection.vendor == "sqlite" else _rows_of(read)


def _steps_of(read: Callable[[], Any]) -> int:
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    connection.ensure_connection()
    driver: Any = connection.connection
    driver.set_progress_handler(count, _STEPS)
    try:
        with transaction.atomic():
            read()
            transaction.set_rollback(True)
    finally:
        driver.set_progress_handler(None, _STEPS)
    return taken


def _rows_of(read: Callable[[], Any]) -> int:
    """Explain each query afterwards: PostgreSQL's own plan, with what it looked at."""
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        read()
        transaction.set_rollback(True)
    queries = [query["sql"] for query in captured.captured_queries]
    return sum(_rows_of_query(text) for text in queries if _READS_JOBS.match(text))


def _rows_of_query(text: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {text}")
        [(answer,)] = cursor.fetchall()
    return rows_read(answer[0]["Plan"])
