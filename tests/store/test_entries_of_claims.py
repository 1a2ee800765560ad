"""On PostgreSQL a claim leaves alone the indexes by fingerprint and of unique keys, whatever waits;
and jobs are found by them as before.
"""

from typing import Any

import pytest
from django.db import connection
from django.db.models import Q, QuerySet

from django_jobqueue.core.specs import JobFilter
from django_jobqueue.models import Job
from django_jobqueue.store import store_for
from tests.history import FEW, cost_of, without

from .helpers import claim, register_worker
from .migrating import found_when_taken_back

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]

BATCH = 200
#: One of 2,000 is of the fingerprint that is looked for: one of those that run, and nine others.
SPREAD = """
INSERT INTO jobqueue_job (fingerprint, state, handler, priority)
SELECT CASE n % 2000 WHEN 0 THEN 'mine' ELSE md5(n::text) END,
    CASE WHEN n > 19800 THEN 'running' WHEN n > 19000 THEN 'scheduled' ELSE 'ready' END, 'noop', 0
FROM generate_series(1, 20000) AS n
"""
LAST_RUN = """
UPDATE jobqueue_job SET state = 'running' WHERE id > (SELECT max(id) - 200 FROM jobqueue_job)
"""
PAGES = "SELECT pg_stat_get_xact_blocks_fetched('{index}'::regclass)"
DEFINITIONS = """
SELECT indexdef FROM pg_indexes
WHERE indexname IN ('jobqueue_job_fingerprint', 'jobqueue_job_unique_key') ORDER BY indexname
"""
MINE = Job.objects.filter(fingerprint="mine")


def asked(text: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(text)
        return [value for (value,) in cursor.fetchall()] if cursor.description else []


def pages_looked_at(index: str) -> int:
    [pages] = asked(PAGES.format(index=index))
    return int(pages)


@pytest.mark.parametrize("index", ["jobqueue_job_fingerprint", "jobqueue_job_unique_key"])
def test_a_claim_of_any_number_touches_no_page_of_the_index(index: str) -> None:
    asked(SPREAD)
    store, worker_id = store_for("default"), register_worker()
    claim(store, worker_id, total=1)
    before = pages_looked_at(index)

    assert len(claim(store, worker_id, total=BATCH)) == BATCH

    # The planner may ask how high each index is. Each entry takes a page and those above it.
    assert pages_looked_at(index) - before < BATCH / 20


def test_a_key_is_looked_for_by_its_index_whatever_the_parameters() -> None:
    asked(SPREAD)
    asked("ANALYZE jobqueue_job")
    key = "SELECT id FROM jobqueue_job WHERE unique_key = $1"
    asked("SET LOCAL plan_cache_mode = force_generic_plan")
    asked(f"PREPARE by_key (text) AS {key}")

    plan = "\n".join(asked("EXPLAIN EXECUTE by_key ('mine')"))
    asked("DEALLOCATE by_key")

    assert "using jobqueue_job_unique_key" in plan, plan


@pytest.mark.usefixtures("no_dead_rows")
@pytest.mark.parametrize("analyzed", [True, False], ids=["analyzed", "when none ran"])
@pytest.mark.parametrize(
    ("rows", "count"),
    [
        (MINE, 10),
        (MINE.order_by("-created_at", "-id"), 10),
        (MINE.filter(id__gt=0).order_by("id")[:500], 10),
        (MINE.filter(id__gt=0).order_by("id").select_for_update(skip_locked=True)[:500], 10),
        (MINE.filter(state="ready"), 9),
        (MINE.filter(state="running"), 1),
        (Job.objects.filter(Q(fingerprint="mine") | Q(unique_key="mine")), 10),
    ],
    ids=["all", "the newest", "a batch", "locked", "ready", "running", "either key"],
)
def test_no_search_by_fingerprint_walks_over_the_table(
    rows: QuerySet[Job], count: int, analyzed: bool
) -> None:
    asked(SPREAD if analyzed else SPREAD.replace("'running'", "'ready'"))
    asked("ANALYZE jobqueue_job")
    asked(LAST_RUN)

    assert 0 < cost_of(lambda: list(rows.all())) < FEW["postgresql"]
    assert len(rows.all()) == count


@pytest.mark.usefixtures("no_dead_rows")
def test_it_would_walk_over_the_table_without_its_index() -> None:
    asked(SPREAD)
    asked("ANALYZE jobqueue_job")

    with without("jobqueue_job_fingerprint"):
        assert cost_of(lambda: list(MINE.all())) > FEW["postgresql"]


def test_steering_by_fingerprint_reaches_who_waits_and_who_runs() -> None:
    asked(SPREAD)
    asked("ANALYZE jobqueue_job")

    done = store_for("default").cancel(JobFilter(fingerprint="mine"))

    assert (done.cancelled, done.asked) == (9, 1)


def definitions() -> list[str]:
    return asked(DEFINITIONS)


@pytest.mark.django_db(transaction=True)
def test_the_migration_can_be_taken_back() -> None:
    now = definitions()

    before = found_when_taken_back(
        "0016_entries_of_claims", definitions, after="0015_running_since"
    )

    assert not any("WHERE" in text for text in before), before
    assert definitions() == now
    assert all("WHERE" in text for text in now), now
