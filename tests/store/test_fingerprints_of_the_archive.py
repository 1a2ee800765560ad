"""On PostgreSQL jobs that end together share a few pages of the archive's index by fingerprint,
however many are kept; and they are found by it as before.
"""

from typing import Any

import pytest
from django.db import connection
from django.db.models import Q, QuerySet

from django_jobqueue.core.specs import JobFilter
from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob, DeadJob
from django_jobqueue.store import store_for
from tests.history import FEW, cost_of, without

from .migrating import found_when_taken_back

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]

#: One of 2,000 is of the fingerprint that is looked for.
SPREAD = """
INSERT INTO {table} (id, fingerprint)
SELECT n, CASE n % 2000 WHEN 0 THEN 'mine' ELSE md5(n::text) END FROM generate_series(1, 20000) AS n
"""
#: Every other one is of that fingerprint, and each is in a stretch of its own.
COMMON = """
INSERT INTO jobqueue_archivedjob (id, fingerprint, finished_at)
SELECT n * 4096, CASE n % 2 WHEN 0 THEN 'mine' ELSE md5(n::text) END, now() - n * interval '1 s'
FROM generate_series(1, 20000) AS n
"""
MORE = """
INSERT INTO jobqueue_archivedjob (id, fingerprint)
SELECT n, md5(n::text) FROM generate_series(20001, 20500) AS n
"""
DEFINITION = "SELECT indexdef FROM pg_indexes WHERE indexname = 'jobqueue_archive_fingerprint'"
PLAIN = "CREATE INDEX jobqueue_archive_fingerprint ON jobqueue_archivedjob (fingerprint)"
MINE = ArchivedJob.objects.filter(fingerprint="mine")


def asked(text: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(text)
        return [value for (value,) in cursor.fetchall()] if cursor.description else []


def pages_of_more() -> int:
    """How many pages a batch of 500 meets that nobody has read: an index that was made anew."""
    asked("REINDEX INDEX jobqueue_archive_fingerprint")
    [[plan]] = asked(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {MORE}")
    return int(plan["Plan"]["Shared Read Blocks"])


def test_a_batch_meets_few_pages_of_the_index_whatever_fingerprints_it_has() -> None:
    asked(SPREAD.format(table="jobqueue_archivedjob"))

    assert pages_of_more() < 60


def test_it_would_meet_nearly_all_of_a_plain_one() -> None:
    asked(SPREAD.format(table="jobqueue_archivedjob"))
    asked("DROP INDEX jobqueue_archive_fingerprint")
    asked(PLAIN)

    assert pages_of_more() > 120


@pytest.mark.usefixtures("no_dead_rows")
@pytest.mark.parametrize("analyzed", [True, False], ids=["analyzed", "when none was kept"])
@pytest.mark.parametrize(
    "rows",
    [
        MINE,
        MINE.order_by("-finished_at", "-id"),
        MINE.order_by("-finished_at", "-id")[:50],
        MINE.filter(id__gt=0).order_by("id")[:500],
        MINE.filter(id__gt=0).order_by("id").select_for_update(skip_locked=True)[:500],
        ArchivedJob.objects.filter(Q(fingerprint="mine") | Q(unique_key="mine")),
    ],
    ids=["all", "newest", "a list", "a batch", "locked", "either key"],
)
def test_no_search_by_fingerprint_walks_over_the_table(
    rows: QuerySet[ArchivedJob], analyzed: bool
) -> None:
    if not analyzed:
        asked("ANALYZE jobqueue_archivedjob")
    asked(SPREAD.format(table="jobqueue_archivedjob"))
    if analyzed:
        asked("ANALYZE jobqueue_archivedjob")

    assert 0 < cost_of(lambda: list(rows.all())) < FEW["postgresql"]
    assert len(rows.all()) == 10
    # PostgreSQL 18 skips from stretch to stretch by itself.
    assert "Index Cond: (((id / 4096) = ANY" in rows.all().explain()


@pytest.mark.usefixtures("no_dead_rows")
def test_a_fingerprint_that_half_of_all_have_is_not_taken_for_a_rare_one() -> None:
    """All of its jobs would be read, and sorted, for the newest few."""
    asked(COMMON)
    asked("ANALYZE jobqueue_archivedjob")

    plan = MINE.order_by("-finished_at")[:50].explain()

    assert "Index Scan Backward using jobqueue_archive_finished" in plan, plan


@pytest.mark.usefixtures("no_dead_rows")
def test_it_would_walk_over_the_table_without_its_index() -> None:
    asked(SPREAD.format(table="jobqueue_archivedjob"))
    asked("ANALYZE jobqueue_archivedjob")

    with without("jobqueue_archive_fingerprint"):
        assert cost_of(lambda: list(MINE.all())) > FEW["postgresql"]


def test_dead_letters_are_found_by_a_plain_index() -> None:
    """They are few."""
    asked(SPREAD.format(table="jobqueue_deadjob"))
    asked("ANALYZE jobqueue_deadjob")

    found = DeadJob.objects.filter(fingerprint="mine")

    assert 0 < cost_of(lambda: list(found.all())) < FEW["postgresql"]
    assert found.count() == 10


def test_all_of_a_fingerprint_are_enqueued_again() -> None:
    asked(SPREAD.format(table="jobqueue_archivedjob"))
    wanted = JobFilter(fingerprint="mine", state=JobState.SUCCEEDED)

    live, refused = store_for("default").requeue(wanted)

    assert (len(live), refused) == (10, [])


@pytest.mark.django_db(transaction=True)
def test_the_migration_can_be_taken_back() -> None:
    def definition() -> str:
        [text] = asked(DEFINITION)
        return str(text)

    now = definition()

    before = found_when_taken_back(
        "0017_fingerprints_of_the_archive", definition, after="0016_entries_of_claims"
    )

    assert before.endswith("(fingerprint)"), before
    assert definition() == now
    assert "(id / 4096)" in now, now
