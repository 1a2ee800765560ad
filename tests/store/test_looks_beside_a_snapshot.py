"""While somebody holds an old snapshot, the looks that a worker takes again and again begin where
they found something last, and do not walk over what has ended since.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from django_jobqueue.core.specs import WantedJobs, Watermark
from django_jobqueue.store import sql
from django_jobqueue.store.postgresql_claims import ready_queues

from .looks import Look, beside_a_snapshot

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]

ENDED_WHILE_HELD = 20_000
QUEUES = ("busy", "idle", "mail")
LIVING, GONE = UUID(int=2**127), uuid4()
#: A few descents into an index, and some rows; what has ended fills hundreds of pages.
BEARABLE = 60

ENDED = """
INSERT INTO jobqueue_job (queue, handler, state, run_at, ready_at, worker_id)
SELECT (%s::text[])[1 + n %% 3], 'ended', state, run_at, clock_timestamp(), worker_id
FROM generate_series(1, %s) AS n, (
    VALUES ('ready', NULL, NULL),
        ('scheduled', now() - interval '1 h', NULL),
        ('running', NULL, %s::uuid)
) AS kind (state, run_at, worker_id)
"""
LEFT = """
INSERT INTO jobqueue_job (queue, handler, state, run_at, ready_at, worker_id)
VALUES ('busy', 'left', 'ready', NULL, clock_timestamp(), NULL),
    ('new', 'left', 'ready', NULL, clock_timestamp(), NULL),
    ('mail', 'left', 'scheduled', now() - interval '1 s', NULL, NULL),
    ('mail', 'left', 'scheduled', now() + interval '1 h', NULL, NULL),
    ('mail', 'left', 'running', NULL, NULL, %s),
    ('mail', 'left', 'running', NULL, NULL, %s)
"""


@pytest.fixture(scope="module")
def connection(django_db_setup: None, django_db_blocker: Any) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database where thousands of jobs were ready, scheduled and running, and
    have ended, while another transaction holds a snapshot from before.
    """
    with (
        django_db_blocker.unblock(),
        beside_a_snapshot(ENDED, [list(QUEUES), ENDED_WHILE_HELD, LIVING], living=LIVING) as opened,
    ):
        opened.execute(LEFT, [LIVING, GONE])
        opened.execute("VACUUM ANALYZE jobqueue_job")
        yield opened


def look_for_queues(connection: psycopg.Connection[Any], *, with_hints: bool) -> Look:
    [(last,)] = connection.execute(
        "SELECT ready_at FROM jobqueue_job WHERE queue = 'busy' AND state = 'ready'"
    )
    known = [WantedJobs(queue, 1, (Watermark(0, last),)) for queue in QUEUES]
    return Look(connection, *ready_queues(known if with_hints else ()))


def promotion(connection: psycopg.Connection[Any], *, with_hints: bool, name: str) -> Look:
    [(last,)] = connection.execute("SELECT now() - interval '1 min'")
    parameters = {"now": None, "limit": 500, "since": last if with_hints else None}
    text = sql.load("postgresql", name)
    return Look(connection, text, parameters)


LOOKS: dict[str, tuple[Callable[..., Look], int]] = {
    "queues": (look_for_queues, 2),
    "promotion": (partial(promotion, name="promote"), 1),
    "the next that is due": (partial(promotion, name="next_due"), 1),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_from_where_the_last_one_ended_takes_few_pages(
    connection: psycopg.Connection[Any], name: str
) -> None:
    look, found = LOOKS[name]

    taken = look(connection, with_hints=True)

    assert (taken.rows, taken.buffers <= BEARABLE) == (found, True), taken.buffers


@pytest.mark.parametrize("name", LOOKS)
def test_that_bound_refuses_a_look_at_everything(
    connection: psycopg.Connection[Any], name: str
) -> None:
    look, found = LOOKS[name]

    taken = look(connection, with_hints=False)

    assert (taken.rows, taken.buffers > 5 * BEARABLE) == (found, True), taken.buffers


class TestWorkersWithoutARow:
    def look(self, connection: psycopg.Connection[Any]) -> Look:
        return Look(connection, sql.load("postgresql", "ownerless_workers"), {})

    def test_what_the_living_have_run_is_passed_over(
        self, connection: psycopg.Connection[Any]
    ) -> None:
        taken = self.look(connection)

        assert (taken.rows, taken.buffers <= BEARABLE) == (1, True), taken.buffers

    def test_that_bound_refuses_a_look_at_all_workers(
        self, connection: psycopg.Connection[Any]
    ) -> None:
        connection.execute("UPDATE jobqueue_worker SET state = 'stopped' WHERE id = %s", [LIVING])
        try:
            taken = self.look(connection)
        finally:
            connection.execute("UPDATE jobqueue_worker SET state = 'alive' WHERE id = %s", [LIVING])

        assert (taken.rows, taken.buffers > 5 * BEARABLE) == (2, True), taken.buffers
