"""A finish looks for waiters of its own jobs, however many others wait or have waited."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from django_jobqueue.store import sql
from django_jobqueue.store.postgresql_arrays import array, quoted_array
from django_jobqueue.store.sessions import PsycopgSession

from .plans import Prepared, nodes_of, without_dead_rows

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]

OTHERS = 20_000
BATCH = 100
TOKEN = uuid4()
NONE = dict.fromkeys(("states", "keeps", "results", "errors", "attempted", "unreadable"))


@pytest.fixture(scope="module")
def connection(django_db_setup: None, django_db_blocker: Any) -> Iterator[psycopg.Connection[Any]]:
    """An open transaction with a running batch, and many who wait for other jobs."""
    with django_db_blocker.unblock():
        session = PsycopgSession("default", prepared=False)
        opened = session.connection
    without_dead_rows(opened)
    with opened.transaction(force_rollback=True):
        opened.execute(
            "INSERT INTO jobqueue_job (queue, handler, state, claim_token, worker_id, attempt)"
            " SELECT 'default', 'noop', 'running', %s, gen_random_uuid(), 1"
            " FROM generate_series(1, %s)",
            [TOKEN, BATCH],
        )
        opened.execute(
            "INSERT INTO jobqueue_waiter (job_id, waiter)"
            " SELECT max(id) + n, gen_random_uuid()"
            " FROM jobqueue_job, generate_series(1, %s) AS n GROUP BY n",
            [OTHERS],
        )
        yield opened
    session.close()


def finish_of(connection: psycopg.Connection[Any]) -> dict[str, object]:
    rows = connection.execute("SELECT id FROM jobqueue_job WHERE claim_token = %s", [TOKEN])
    ids = [job_id for (job_id,) in rows]
    zeros, yes = array([0] * BATCH), array([True] * BATCH)
    return NONE | {
        "ids": array(ids),
        "tokens": array([TOKEN] * BATCH),
        "reports": "[]",
        "reasons": quoted_array(["exhausted"] * BATCH),
        "delays": array([5.0] * BATCH),
        "run_ats": array([None] * BATCH),
        "keeps_place": yes,
        "ended": yes,
        "attempt_changes": zeros,
        "reprocess_changes": zeros,
        "rescue_changes": zeros,
    }


def waiters_read(plan: Any) -> int:
    """How many waiter rows were produced or thrown away."""
    return sum(
        int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
        for node in nodes_of(plan)
        if node.get("Relation Name") == "jobqueue_waiter"
    )


@pytest.mark.parametrize("generic", [False, True], ids=["auto", "generic"])
@pytest.mark.parametrize("statement", ["archive", "bury", "reschedule"])
def test_it_reads_none_that_wait_for_other_jobs(
    connection: psycopg.Connection[Any], statement: str, generic: bool
) -> None:
    connection.execute(f"SET LOCAL plan_cache_mode = {'force_generic_plan' if generic else 'auto'}")
    prepared, finish = (
        Prepared(connection, sql.load("postgresql", statement)),
        finish_of(connection),
    )

    assert prepared.execute(finish) == BATCH
    assert waiters_read(prepared.explain(finish)) == 0


@pytest.mark.parametrize("statement", ["archive", "bury", "reschedule"])
def test_it_reads_those_that_wait_for_its_own(
    connection: psycopg.Connection[Any], statement: str
) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute(
            "INSERT INTO jobqueue_waiter (job_id, waiter)"
            " SELECT id, gen_random_uuid() FROM jobqueue_job WHERE claim_token = %s LIMIT 3",
            [TOKEN],
        )
        plan = Prepared(connection, sql.load("postgresql", statement)).explain(
            finish_of(connection)
        )

        assert 3 <= waiters_read(plan) <= 4
