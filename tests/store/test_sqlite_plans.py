"""The hot statements find their rows by index, whatever the backlog; SQLite's own plan says so."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.db import connection

from django_jobqueue.core.states import JobState
from django_jobqueue.store import sql
from django_jobqueue.store.sqlite_finish import Ending

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]

_TOKEN = uuid4().hex
_ROWS = msgspec.json.encode([Ending(id=1, token=_TOKEN, state=JobState.READY)]).decode()
_CLAIMS = {"claims": msgspec.json.encode({_TOKEN: [1]}).decode()}
_TIMES = {"claims": msgspec.json.encode({_TOKEN: {1: None}}).decode()}
_HEADS = {
    "worker_id": uuid4().hex,
    "wanted": '[["queue0",10],["queue1",10]]',
    "most": 10,
    "total": 10,
    "now": None,
}
_CLAIM = {
    "ids": "[1]",
    "worker_id": uuid4().hex,
    "token": uuid4().hex,
    "claimed_at": "2026-01-01 00:00:00.000",
    "overtime": 60.0,
}
_DUE = {"now": None, "limit": 10}
_WORKER = {"worker_id": uuid4().hex, "limit": 10, "in_hand": "[]", "after": 10.0}
_HEADS_AND_FACTS = sql.claimed_facts(suspects=False)


_BACKLOG = """
WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < 2999)
INSERT INTO jobqueue_job (queue, state, worker_id, run_at)
SELECT 'queue' || n / 3 %% 3,
    CASE n %% 3 WHEN 0 THEN 'ready' WHEN 1 THEN 'scheduled' ELSE 'running' END,
    CASE n %% 3 WHEN 2 THEN lower(hex(randomblob(16))) END,
    strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', n || ' seconds')
FROM number
"""


@pytest.fixture
def _backlog() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_BACKLOG, {})
        cursor.execute("ANALYZE")


def plan_of(name: str, parameters: Mapping[str, object]) -> list[str]:
    text = _HEADS_AND_FACTS if name == "heads" else sql.load("sqlite", name)
    used = {key: value for key, value in parameters.items() if f"%({key})s" in text}
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + text, used)
        return [row[3] for row in cursor.fetchall()]


@pytest.mark.usefixtures("_backlog")
@pytest.mark.parametrize(
    ("name", "parameters", "index"),
    [
        ("heads", _HEADS, "jobqueue_job_ready (queue=?)"),
        ("heads", _HEADS, "SEARCH job USING INTEGER PRIMARY KEY (rowid=?)"),
        ("claim", _CLAIM, "INTEGER PRIMARY KEY (rowid=?)"),
        ("promote", _DUE, "jobqueue_job_scheduled (run_at<?)"),
        ("promote", _DUE, "INTEGER PRIMARY KEY (rowid=?)"),
        ("ready_queues", {}, "jobqueue_job_ready (queue>?)"),
        ("held_by_worker", _WORKER, "jobqueue_job_running (worker_id=?)"),
        ("cancel_requests", _WORKER, "jobqueue_job_running (worker_id=?)"),
        ("unknown_to_worker", _WORKER, "jobqueue_job_running (worker_id=? AND claimed_at<?)"),
        ("overdue", _DUE, "jobqueue_job_deadline (deadline_at<?)"),
        ("ownerless_workers", {}, "jobqueue_job_running (worker_id>?)"),
        *[
            (name, {"rows": _ROWS, "now": None}, "INTEGER PRIMARY KEY (rowid=?)")
            for name in ("archive", "bury", "report_attempts", "reschedule")
        ],
        *[(name, _CLAIMS, "INTEGER PRIMARY KEY (rowid=?)") for name in ("held", "drop")],
        ("archive_usual", _TIMES, "INTEGER PRIMARY KEY (rowid=?)"),
    ],
)
def test_a_statement_finds_jobs_by_index(name: str, parameters: dict[str, Any], index: str) -> None:
    plan = plan_of(name, parameters)

    assert any(index in step for step in plan), plan
    # Along an index a scan stops where its LIMIT or MIN does; along the table it does not.
    walks = [step for step in plan if step.startswith("SCAN") and "USING" not in step]
    assert not [step for step in walks if "job" in step], plan


@pytest.mark.usefixtures("_backlog")
def test_claims_need_no_sort_of_a_backlog() -> None:
    """The head of each queue comes in order from the index; only what was picked is sorted."""
    plan = plan_of("heads", _HEADS)

    assert sum("TEMP B-TREE" in step for step in plan) == 1, plan
