"""The jobs of a fingerprint are found by index among any number, and on SQLite a batch of jobs
shares a few pages of it.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q, QuerySet

from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob, DeadJob, Job
from django_jobqueue.models.fingerprints import STRETCH

from .migrating import found_when_taken_back

pytestmark = pytest.mark.django_db

#: Of one fingerprint, far apart; next to each other and across gaps.
IDS = (1, STRETCH - 1, STRETCH + 5, 90 * STRETCH + 7, 2**62)
MODELS = pytest.mark.parametrize("model", [Job, ArchivedJob, DeadJob])
DEFINITIONS = """
SELECT sql FROM sqlite_master
WHERE name IN ('jobqueue_archivedjob', 'jobqueue_archive_fingerprint')
ORDER BY type DESC
"""
FILL = """
WITH RECURSIVE number (n) AS (
    SELECT :first + 1 UNION ALL SELECT n + 1 FROM number WHERE n < :last
)
INSERT INTO jobqueue_archivedjob (id, fingerprint)
SELECT n, lower(hex(randomblob(16))) FROM number
"""
SPREAD = """
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 20000)
INSERT INTO jobqueue_archivedjob (id, fingerprint)
SELECT n, CASE n %% 2000 WHEN 0 THEN 'mine' ELSE lower(hex(randomblob(16))) END
FROM number
"""


def stored(model: Any) -> QuerySet[Any]:
    """A job of the fingerprint `mine` for each of the ids, and one of another next to it."""
    states = {"state": JobState.READY.value} if model is Job else {}
    for number in IDS:
        model.objects.create(id=number, fingerprint="mine", **states)
        model.objects.create(id=number + 1, fingerprint="another's", **states)
    rows: QuerySet[Any] = model.objects.order_by("id")
    return rows


def found(rows: QuerySet[Any]) -> tuple[int, ...]:
    return tuple(rows.values_list("id", flat=True))


@MODELS
def test_all_jobs_of_a_fingerprint_are_found_however_far_apart(model: Any) -> None:
    rows = stored(model)

    assert found(rows.filter(fingerprint="mine")) == IDS
    assert found(rows.filter(fingerprint="nobody's")) == ()


@MODELS
def test_an_empty_table_has_none(model: Any) -> None:
    assert found(model.objects.filter(fingerprint="mine")) == ()


@MODELS
def test_what_is_excluded_are_these_and_no_others(model: Any) -> None:
    rows = stored(model)

    assert found(rows.exclude(fingerprint="mine")) == tuple(number + 1 for number in IDS)


def test_they_can_be_deleted_and_changed_by_fingerprint() -> None:
    rows = stored(ArchivedJob)

    assert rows.filter(fingerprint="mine").order_by().update(queue="mail") == len(IDS)
    assert rows.filter(fingerprint="mine", queue="mail").order_by()._raw_delete("default") == len(
        IDS
    )
    assert rows.filter(fingerprint="another's", queue="default").count() == len(IDS)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "rows",
    [
        ArchivedJob.objects.filter(fingerprint="mine"),
        ArchivedJob.objects.filter(fingerprint="mine").order_by("-finished_at", "-id"),
        ArchivedJob.objects.filter(fingerprint="mine", id__gt=0).order_by("id")[:500],
        ArchivedJob.objects.filter(Q(fingerprint="mine") | Q(unique_key="mine")),
    ],
    ids=["all", "the newest", "a batch", "either key"],
)
def test_no_search_by_fingerprint_walks_over_the_table(rows: QuerySet[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SPREAD, {})

    plan = rows.explain()
    assert "SEARCH jobqueue_archivedjob USING INDEX jobqueue_archive_fingerprint (<expr>=? AND" in (
        plan
    ), plan
    assert rows.count() == 10


@pytest.mark.sqlite
def test_a_batch_writes_few_pages_of_the_index_whatever_fingerprints_it_has(
    tmp_path: Path,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(DEFINITIONS, {})
        definitions = [text for (text,) in cursor.fetchall()]
    with closing(sqlite3.connect(tmp_path / "archive.sqlite3", isolation_level=None)) as alone:
        alone.execute("PRAGMA journal_mode = WAL")
        for text in definitions:
            alone.execute(text)
        alone.execute(FILL, {"first": 0, "last": 20_000})
        alone.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        alone.execute(FILL, {"first": 20_000, "last": 20_500})
        [(_, pages, _)] = alone.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    # Some 45 are the rows themselves. Of a plain index there would be more than 200 besides.
    assert pages < 120


def definitions() -> dict[str, str]:
    with connection.cursor() as cursor:
        names = {
            name: constraint
            for table in ("jobqueue_job", "jobqueue_archivedjob", "jobqueue_deadjob")
            for name, constraint in connection.introspection.get_constraints(cursor, table).items()
        }
    return {name: str(facts["columns"]) for name, facts in names.items() if "fingerprint" in name}


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_the_migration_can_be_taken_back() -> None:
    now = definitions()

    before = found_when_taken_back("0014_fingerprints", definitions, after="0013_storage")

    assert set(before.values()) == {"['fingerprint']"}
    assert definitions() == now
