"""The hot statements read rows in proportion to their batch, whatever the backlog; and these tests
would notice if not.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from django_jobqueue.core.specs import WantedJobs, Watermark
from django_jobqueue.store import sql
from django_jobqueue.store.postgresql_arrays import array, quoted_array
from django_jobqueue.store.sessions import PsycopgSession
from django_jobqueue.store.stretches import stretch_parameters

from .helpers import LONG_AGO
from .plans import Prepared, add_living_worker, rows_read, without_dead_rows

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]

BACKLOG = 100_000
QUEUES = ("default", "mail", "reports", "slow")
WORKER, TOKEN = uuid4(), uuid4()
BATCHES = (1, 10, 500)


def allowed(batch: int) -> int:
    """A dozen plan nodes, each of which handles every row of the batch a few times; nothing grows
    with the backlog.
    """
    return 300 + 30 * batch


@pytest.fixture(scope="module")
def connection(django_db_setup: None, django_db_blocker: Any) -> Iterator[psycopg.Connection[Any]]:
    """An open transaction with a backlog, its statistics and 1,000 running jobs."""
    with django_db_blocker.unblock():
        session = PsycopgSession("default", prepared=False)
        opened = session.connection
    without_dead_rows(opened)
    with opened.transaction(force_rollback=True):
        # A walk would meet what other tests have left.
        for table in ("jobqueue_job", "jobqueue_worker"):
            opened.execute(f"DELETE FROM {table}")
        opened.execute(
            "INSERT INTO jobqueue_job (queue, handler, priority, ready_at)"
            " SELECT (%s::text[])[1 + n %% 4], 'noop', n %% 3, clock_timestamp()"
            " FROM generate_series(1, %s) AS n",
            [list(QUEUES), BACKLOG],
        )
        # Statistics are older than what runs, as they are on a site: no row was running then.
        opened.execute("ANALYZE jobqueue_job")
        opened.execute(
            "UPDATE jobqueue_job"
            " SET state = 'running', claim_token = %s, worker_id = %s, attempt = 1"
            " WHERE id IN (SELECT id FROM jobqueue_job ORDER BY id LIMIT 1000)",
            [TOKEN, WORKER],
        )
        add_living_worker(opened, WORKER)
        opened.execute("ANALYZE jobqueue_worker")
        yield opened
    session.close()


def claim_of(batch: int, worker_id: UUID = WORKER) -> dict[str, object]:
    return {
        "worker_id": worker_id,
        "token": uuid4(),
        "queues": quoted_array(QUEUES),
        "limits": array([batch] * len(QUEUES)),
        "total": batch,
        "overtime": 60.0,
        "now": None,
    }


def running_ids(connection: psycopg.Connection[Any], batch: int) -> list[int]:
    found = connection.execute(
        "SELECT id FROM jobqueue_job WHERE claim_token = %s ORDER BY id LIMIT %s", [TOKEN, batch]
    )
    return [job_id for (job_id,) in found]


def finish_of(connection: psycopg.Connection[Any], batch: int) -> dict[str, object]:
    return {
        "ids": array(running_ids(connection, batch)),
        "tokens": array([TOKEN] * batch),
        "states": None,
        "keeps": None,
        "results": None,
        "errors": None,
        "attempted": None,
        "reports": "[]",
        "reasons": quoted_array(["exhausted"] * batch),
        "unreadable": None,
        "delays": array([5.0] * batch),
        "run_ats": array([None] * batch),
        "keeps_place": array([False] * batch),
        "ended": array([True] * batch),
        "attempt_changes": array([0] * batch),
        "reprocess_changes": array([0] * batch),
        "rescue_changes": array([0] * batch),
    }


def plan_after_ten(
    connection: psycopg.Connection[Any], text: str, parameters: dict[str, object]
) -> Any:
    """A prepared statement may be planned anew, for any parameters, from its sixth execution on."""
    statement = Prepared(connection, text)
    answered = [statement.execute(parameters) for _ in range(10)]
    assert min(answered) > 0, "the statement did nothing, so its plan says nothing"
    return statement.explain(parameters)


@pytest.mark.parametrize("generic", [False, True], ids=["auto", "generic"])
@pytest.mark.parametrize("batch", BATCHES)
def test_a_claim_reads_rows_in_proportion_to_its_batch(
    connection: psycopg.Connection[Any], batch: int, generic: bool
) -> None:
    connection.execute(f"SET LOCAL plan_cache_mode = {'force_generic_plan' if generic else 'auto'}")

    plan = plan_after_ten(connection, sql.load("postgresql", "claim"), claim_of(batch))

    assert rows_read(plan) <= allowed(batch)


@pytest.mark.parametrize("generic", [False, True], ids=["auto", "generic"])
@pytest.mark.parametrize("batch", BATCHES)
def test_a_claim_with_watermarks_reads_rows_in_proportion_to_its_batch(
    connection: psycopg.Connection[Any], batch: int, generic: bool
) -> None:
    connection.execute(f"SET LOCAL plan_cache_mode = {'force_generic_plan' if generic else 'auto'}")
    marks = (Watermark(2, LONG_AGO), Watermark(0, LONG_AGO))  # of priority 1 nothing is known
    wanted = [WantedJobs(queue, batch, marks) for queue in QUEUES]
    text = sql.claim("postgresql", suspects=False, by_stretches=True)

    plan = plan_after_ten(connection, text, claim_of(batch) | stretch_parameters(wanted))

    assert rows_read(plan) <= allowed(batch)


@pytest.mark.parametrize("generic", [False, True], ids=["auto", "generic"])
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("statement", ["archive", "bury", "reschedule"])
def test_a_finish_reads_rows_in_proportion_to_its_batch(
    connection: psycopg.Connection[Any], statement: str, batch: int, generic: bool
) -> None:
    connection.execute(f"SET LOCAL plan_cache_mode = {'force_generic_plan' if generic else 'auto'}")

    plan = plan_after_ten(
        connection, sql.load("postgresql", statement), finish_of(connection, batch)
    )

    assert rows_read(plan) <= allowed(batch)


@pytest.mark.parametrize("generic", [False, True], ids=["auto", "generic"])
def test_a_look_for_what_is_overdue_reads_nothing_but_that(
    connection: psycopg.Connection[Any], generic: bool
) -> None:
    connection.execute(f"SET LOCAL plan_cache_mode = {'force_generic_plan' if generic else 'auto'}")
    connection.execute(
        "UPDATE jobqueue_job SET deadline_at = clock_timestamp() + make_interval(secs => id - %s)"
        " WHERE claim_token = %s",
        [running_ids(connection, 6)[-1], TOKEN],
    )

    plan = plan_after_ten(
        connection, sql.load("postgresql", "overdue"), {"limit": 500, "now": None}
    )

    assert 5 <= rows_read(plan) <= 60


# The three forms that decision 7 of the design forbids: each must break the bound above.

ONE_PROBE_FOR_ALL_QUEUES = """
UPDATE jobqueue_job AS job SET state = 'running', claim_token = %(token)s
WHERE job.id = ANY(ARRAY(
    SELECT id FROM jobqueue_job
    WHERE state = 'ready' AND queue = ANY(%(queues)s::text[])
    ORDER BY priority DESC, ready_at, id
    LIMIT %(total)s
    FOR UPDATE SKIP LOCKED
))
RETURNING job.id
"""
CLAIM_JOINED_TO_A_CTE = """
WITH due AS MATERIALIZED (
    SELECT picked.id
    FROM unnest(%(queues)s::text[], %(limits)s::int[]) AS wanted (queue, free)
    CROSS JOIN LATERAL (
        SELECT id FROM jobqueue_job
        WHERE state = 'ready' AND queue = wanted.queue
        ORDER BY priority DESC, ready_at, id
        LIMIT wanted.free
        FOR UPDATE SKIP LOCKED
    ) AS picked
    LIMIT %(total)s
)
UPDATE jobqueue_job AS job SET state = 'running', claim_token = %(token)s
FROM due WHERE job.id = due.id
RETURNING job.id
"""


@pytest.mark.parametrize(
    "form", [ONE_PROBE_FOR_ALL_QUEUES, CLAIM_JOINED_TO_A_CTE], ids=["one probe", "joined to a CTE"]
)
def test_the_bound_refuses_the_bad_claims(connection: psycopg.Connection[Any], form: str) -> None:
    connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")

    plan = plan_after_ten(connection, form, claim_of(500))

    assert rows_read(plan) > allowed(500)


@pytest.mark.parametrize("generic", [False, True], ids=["auto", "generic"])
@pytest.mark.parametrize("change", ["with the state", "with the state and without the ids"])
def test_the_bound_refuses_the_bad_finish(
    connection: psycopg.Connection[Any], change: str, generic: bool
) -> None:
    connection.execute(f"SET LOCAL plan_cache_mode = {'force_generic_plan' if generic else 'auto'}")
    good = sql.load("postgresql", "archive")
    bad = good.replace("= done.token\n", "= done.token AND job.state = 'running'\n")
    if change == "with the state and without the ids":
        bad = bad.replace(
            "job.id = ANY(%(ids)s::bigint[]) AND job.id = done.id", "job.id = done.id"
        )
    assert bad != good

    plan = plan_after_ten(connection, bad, finish_of(connection, 500))

    assert rows_read(plan) > allowed(500)


def test_a_claim_for_a_worker_that_is_not_alive_locks_nothing(
    connection: psycopg.Connection[Any],
) -> None:
    plan = Prepared(connection, sql.load("postgresql", "claim")).explain(claim_of(500, uuid4()))

    assert rows_read(plan) <= 10


@pytest.mark.parametrize("statement", ["ready_queues", "ownerless_workers"])
def test_a_walk_over_names_reads_one_entry_each(
    connection: psycopg.Connection[Any], statement: str
) -> None:
    plan = Prepared(connection, sql.load("postgresql", statement)).explain({"known": "{}"})

    assert rows_read(plan) <= 60
