"""What PostgreSQL is told of the tables, and how little heartbeats leave behind."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from django_jobqueue.store import store_for

from .helpers import register_worker

pytestmark = pytest.mark.django_db

TOLD = {
    "autovacuum_vacuum_scale_factor=0.01",
    "autovacuum_vacuum_threshold=1000",
    "autovacuum_vacuum_cost_delay=0",
}


def parameters() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT unnest(reloptions) FROM pg_class WHERE relname = 'jobqueue_job'")
        return {told for (told,) in cursor.fetchall()}


@pytest.mark.postgresql
def test_the_table_of_live_jobs_is_vacuumed_early_and_without_pauses() -> None:
    assert parameters() == TOLD


@pytest.mark.postgresql
def test_that_can_be_taken_back() -> None:
    module = import_module("django_jobqueue.migrations.0013_storage")
    operation = module.Migration.operations[-1]
    state = MigrationLoader(connection).project_state()

    with connection.schema_editor() as editor:
        operation.database_backwards("jobqueue", editor, state, state)
        assert parameters() == set()
        operation.database_forwards("jobqueue", editor, state, state)

    assert parameters() == TOLD


def updates_of_workers() -> tuple[int, int]:
    """How many this session has made and not yet reported, and how many were HOT."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_stat_get_xact_tuples_updated(oid), pg_stat_get_xact_tuples_hot_updated(oid)"
            " FROM pg_class WHERE relname = 'jobqueue_worker'"
        )
        [counts] = cursor.fetchall()
    return counts


@pytest.mark.postgresql
def test_a_heartbeat_leaves_no_index_entry() -> None:
    store, worker_id = store_for("default"), register_worker()
    before = updates_of_workers()

    for _ in range(6):
        assert store.heartbeat(worker_id, lease=timedelta(seconds=30)).alive

    updated, hot = (now - then for now, then in zip(updates_of_workers(), before, strict=True))
    assert updated == 6
    assert hot >= 5, "one may have to move to another page"
