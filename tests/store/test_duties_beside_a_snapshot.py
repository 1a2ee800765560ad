"""While somebody holds an old snapshot, what the duties of a host ask for every few seconds begins
where the last look ended, or asks an index for what is still there.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection as django_connection
from django.db import transaction
from django.test.utils import CaptureQueriesContext

from django_jobqueue.core.specs import Retention
from django_jobqueue.store import RecordMarks, sql, store_for

from .looks import Look, beside_a_snapshot
from .plans import buffers_of

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]

ENDED_WHILE_HELD = 50_000
LIVING, GONE = UUID(int=2**127), uuid4()
#: A few descents into an index, and some rows; what has ended fills thousands of pages.
BEARABLE = 60

ENDED = """
INSERT INTO jobqueue_job (
    queue, handler, state, run_at, ready_at, worker_id, deadline_at, claimed_at
)
SELECT 'ended', '', state, run_at, clock_timestamp(), worker_id, deadline_at, deadline_at
FROM generate_series(1, %s), (
    VALUES ('ready', NULL, NULL, NULL),
        ('scheduled', now() - interval '1 h', NULL, NULL),
        ('running', NULL, %s::uuid, now() - interval '1 h')
) AS kind (state, run_at, worker_id, deadline_at)
"""


@pytest.fixture(scope="module")
def connection(django_db_setup: None, django_db_blocker: Any) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database where thousands of jobs were in each state, and have ended, while
    another transaction holds a snapshot from before.
    """
    with (
        django_db_blocker.unblock(),
        beside_a_snapshot(ENDED, [ENDED_WHILE_HELD, LIVING], living=LIVING) as opened,
    ):
        yield opened


def now_of(connection: psycopg.Connection[Any]) -> datetime:
    [(now,)] = connection.execute("SELECT now()").fetchall()
    moment: datetime = now
    return moment


def look(connection: psycopg.Connection[Any], name: str, **parameters: object) -> Look:
    return Look(connection, sql.load("postgresql", name), parameters)


def buffers_of_reads(work: Callable[[], object]) -> int:
    """How many pages the queries of a piece of work take, which is taken back."""
    with transaction.atomic(), CaptureQueriesContext(django_connection) as captured:
        work()
        transaction.set_rollback(True)
    reads = [query["sql"] for query in captured if query["sql"].startswith("SELECT")]
    with transaction.atomic(), django_connection.cursor() as cursor:
        taken = 0
        for text in reads:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {text}")
            taken += buffers_of(cursor.fetchone()[0][0]["Plan"])
        transaction.set_rollback(True)
    return taken


class TestTheLookForAllDuties:
    def test_from_where_the_last_one_ended_it_takes_few_pages(
        self, connection: psycopg.Connection[Any]
    ) -> None:
        taken = look(connection, "due_since", since=now_of(connection), now=None)

        assert taken.buffers <= BEARABLE

    def test_that_bound_refuses_a_look_at_everything(
        self, connection: psycopg.Connection[Any]
    ) -> None:
        assert look(connection, "due", now=None).buffers > 5 * BEARABLE

    def test_that_bound_refuses_one_from_long_ago(
        self, connection: psycopg.Connection[Any]
    ) -> None:
        since = now_of(connection) - timedelta(days=1)

        assert look(connection, "due_since", since=since, now=None).buffers > 5 * BEARABLE


class TestHeartbeats:
    """Of a worker that holds three jobs, and has run thousands."""

    STATEMENTS = ("heartbeat", "cancel_requests", "unknown_and_unwanted", "reconcile")

    def parameters(self, since: datetime) -> dict[str, object]:
        return {
            "worker_id": LIVING,
            "lease": 30.0,
            "running": 3,
            "since": since,
            "after": 10.0,
            "ids": "{1,2,3}",
            "tokens": f"{{{','.join([str(GONE)] * 3)}}}",
        }

    @pytest.mark.parametrize("name", STATEMENTS)
    def test_from_where_the_last_one_ended_they_take_few_pages(
        self, connection: psycopg.Connection[Any], name: str
    ) -> None:
        since = now_of(connection) - timedelta(seconds=10)

        assert look(connection, name, **self.parameters(since)).buffers <= BEARABLE

    @pytest.mark.parametrize("name", STATEMENTS)
    def test_that_bound_refuses_a_look_at_all_that_the_worker_has_run(
        self, connection: psycopg.Connection[Any], name: str
    ) -> None:
        since = now_of(connection) - timedelta(days=1)

        assert look(connection, name, **self.parameters(since)).buffers > 5 * BEARABLE


class TestRetention:
    """Of two queues, each with thousands of records that are past their time."""

    WEEK = Retention(archive=timedelta(days=7), dead=timedelta(days=7))
    REMOVED = 20_000

    @pytest.fixture
    def marks(self, connection: psycopg.Connection[Any]) -> Iterator[RecordMarks]:
        """Those of somebody who has removed most of them."""
        connection.execute(
            "INSERT INTO jobqueue_archivedjob (id, queue, handler, finished_at)"
            " SELECT n, 'old ' || n %% 2, '', now() - interval '1 month' + n * interval '1 s'"
            " FROM generate_series(1, %s) AS n",
            [self.REMOVED + 10],
        )
        connection.execute("ANALYZE jobqueue_archivedjob")
        try:
            gone = "DELETE FROM jobqueue_archivedjob WHERE queue LIKE 'old _' AND id <= %s"
            connection.execute(gone, [self.REMOVED])
            left = connection.execute(
                "SELECT queue, min(finished_at) FROM jobqueue_archivedjob GROUP BY queue"
            )
            yield {("archive", queue): at for queue, at in left.fetchall()}
        finally:
            connection.execute("DELETE FROM jobqueue_archivedjob WHERE queue LIKE 'old _'")

    def test_a_batch_takes_few_pages_from_where_the_one_before_ended(
        self, marks: RecordMarks
    ) -> None:
        assert buffers_of_reads(lambda: self.remove(marks)) <= 2 * BEARABLE

    def test_that_bound_refuses_one_that_begins_at_the_oldest(self, marks: RecordMarks) -> None:
        assert buffers_of_reads(lambda: self.remove({})) > 10 * BEARABLE

    def remove(self, marks: RecordMarks) -> None:
        assert store_for("default").prune(self.WEEK, batch=4, marks=marks).archived == 4


class TestLimitsInForce:
    """Asked for every second by whoever claims."""

    @pytest.fixture(autouse=True)
    def keyed(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(
            "INSERT INTO jobqueue_job (queue, handler, concurrency_key)"
            " SELECT 'ended', '', 'key ' || n %% 10 FROM generate_series(1, %s) AS n",
            [10_000],
        )
        connection.execute("DELETE FROM jobqueue_job WHERE queue = 'ended'")

    def test_without_a_look_for_keys_they_take_few_pages(
        self, connection: psycopg.Connection[Any]
    ) -> None:
        assert look(connection, "limits_in_force", keys=False).buffers <= BEARABLE

    def test_that_bound_refuses_one_with_it(self, connection: psycopg.Connection[Any]) -> None:
        assert look(connection, "limits_in_force", keys=True).buffers > 5 * BEARABLE


def test_of_an_open_batch_the_members_that_ended_are_not_walked_past(
    connection: psycopg.Connection[Any],
) -> None:
    [(batch,)] = connection.execute("INSERT INTO jobqueue_batch (meta) VALUES ('{}') RETURNING id")
    try:
        connection.execute(
            "INSERT INTO jobqueue_job (queue, handler, batch_id)"
            " SELECT CASE WHEN n <= 20000 THEN 'ended' ELSE 'left' END, '', %s"
            " FROM generate_series(1, 20001) AS n",
            [batch],
        )
        connection.execute("DELETE FROM jobqueue_job WHERE queue = 'ended'")

        taken = look(connection, "open_batches", after=batch - 1, limit=500)
    finally:
        connection.execute("DELETE FROM jobqueue_job WHERE queue = 'left'")
        connection.execute("DELETE FROM jobqueue_batch WHERE id = %s", [batch])

    assert (taken.rows, taken.buffers <= BEARABLE) == (1, True), taken.buffers
