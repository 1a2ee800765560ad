"""While somebody holds an old snapshot, nothing that was finished leaves the index; a claim that
begins at its watermarks does not notice.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from django_jobqueue.core.specs import WantedJobs, Watermark
from django_jobqueue.store import sql
from django_jobqueue.store.postgresql_arrays import array, quoted_array
from django_jobqueue.store.sessions import PsycopgSession
from django_jobqueue.store.stretches import stretch_parameters

from .plans import Prepared, add_living_worker, buffers_of_looks, without_dead_rows

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]

WORKER = uuid4()
FINISHED_WHILE_HELD, READY = 50_000, 3_000


@pytest.fixture(scope="module")
def connection(django_db_setup: None, django_db_blocker: Any) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database where jobs of three priorities became ready at one moment, as all
    of one bulk do, and most were finished, while another transaction holds a snapshot from before.
    """
    with django_db_blocker.unblock():
        holder, session = (PsycopgSession("default", prepared=False) for _ in range(2))
        opened = session.connection
    without_dead_rows(opened)
    holder.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    holder.connection.execute("SELECT count(*) FROM jobqueue_job")
    try:
        opened.execute(
            "INSERT INTO jobqueue_job (queue, handler, priority, ready_at)"
            " SELECT 'held', '', n %% 3, statement_timestamp() FROM generate_series(1, %s) AS n",
            [FINISHED_WHILE_HELD + READY],
        )
        opened.execute(
            "DELETE FROM jobqueue_job WHERE queue = 'held' AND id NOT IN"
            " (SELECT id FROM jobqueue_job WHERE queue = 'held' ORDER BY id DESC LIMIT %s)",
            [READY],
        )
        opened.execute("VACUUM ANALYZE jobqueue_job")
        add_living_worker(opened, WORKER)
        yield opened
    finally:
        holder.close()
        opened.execute("DELETE FROM jobqueue_job WHERE queue = 'held'")
        opened.execute("DELETE FROM jobqueue_worker WHERE id = %s", [WORKER])
        opened.execute("VACUUM jobqueue_job")
        session.close()


def claim_of(batch: int) -> dict[str, object]:
    return {
        "worker_id": WORKER,
        "token": uuid4(),
        "queues": quoted_array(["held"]),
        "limits": array([batch]),
        "total": batch,
        "overtime": 60.0,
        "now": None,
    }


#: The three looks at the heads of queues, each with its name.
LOOKS: dict[str, Callable[..., str]] = {
    "claim": sql.claim,
    "up to limits": partial(sql.claim, up_to_limits=True),
    "pick": sql.pick,
}


def buffers_of_a_claim(
    connection: psycopg.Connection[Any],
    batch: int,
    *,
    begins: str | None,
    generic: bool,
    look: str = "claim",
) -> int:
    """Return how many buffers a claim takes that begins at a time of each priority, or anywhere."""
    marks = () if begins is None else connection.execute(begins).fetchall()
    wanted = [WantedJobs("held", batch, tuple(Watermark(*mark) for mark in marks))]
    text = LOOKS[look]("postgresql", suspects=False, by_stretches=bool(marks))
    limits = {"limited": quoted_array(["limited"]), "saturated": quoted_array(["full"])}
    parameters = claim_of(batch) | stretch_parameters(wanted) | limits
    with connection.transaction(force_rollback=True):
        mode = "force_generic_plan" if generic else "auto"
        connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        statement = Prepared(connection, text)
        assert statement.execute(parameters) == batch
        return buffers_of_looks(statement.explain(parameters), index="jobqueue_job_ready")


def bearable(batch: int) -> int:
    """A descent or two into the index for each of three priorities and what lies between them, and
    a page or two for each row.
    """
    return 50 + 2 * batch


HEADS = (
    "SELECT DISTINCT ON (priority) priority, ready_at, id FROM jobqueue_job WHERE queue = 'held'"
    " ORDER BY priority DESC, ready_at, id"
)


@pytest.mark.parametrize("generic", [False, True], ids=["auto", "generic"])
@pytest.mark.parametrize("batch", [1, 10, 500])
@pytest.mark.parametrize("look", LOOKS)
def test_a_claim_with_watermarks_takes_buffers_in_proportion_to_its_batch(
    connection: psycopg.Connection[Any], look: str, batch: int, generic: bool
) -> None:
    taken = buffers_of_a_claim(connection, batch, begins=HEADS, generic=generic, look=look)

    assert taken <= bearable(batch)


@pytest.mark.parametrize("look", LOOKS)
def test_that_bound_refuses_a_claim_without_watermarks(
    connection: psycopg.Connection[Any], look: str
) -> None:
    taken = buffers_of_a_claim(connection, 1, begins=None, generic=False, look=look)

    assert taken > 5 * bearable(1)
