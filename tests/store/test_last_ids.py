"""No migration lets an id be given twice on SQLite, where some write a table anew: what ended keeps
its id, and a live job of the same could not be moved to where it is.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connections, migrations, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.writer import OperationWriter
from django.test import override_settings

from django_jobqueue.models.ids import KeepLastIds

pytestmark = pytest.mark.sqlite

COUNTED = (
    "SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%' AND name LIKE 'jobqueue%'"
)
#: On SQLite it writes the table anew: it cannot add a column that has to be filled.
ADD_FIELD = migrations.AddField("job", "colour", models.CharField(max_length=8, db_default="red"))


class NoJobsHere:
    """A router that makes no tables of this app, whatever it says of the app as a whole."""

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **_: Any
    ) -> bool:
        return app_label != "jobqueue" or model_name is None


@pytest.fixture
def empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any
) -> Iterator[BaseDatabaseWrapper]:
    """A file without tables."""
    like = connections.databases["default"]
    database = {**like, "NAME": str(tmp_path / "site.sqlite3")}
    monkeypatch.setitem(connections.databases, "grown", database)
    with django_db_blocker.unblock():
        yield connections["grown"]
        connections["grown"].close()
    del connections["grown"]


@pytest.fixture
def migrated(empty: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    executor = MigrationExecutor(empty)
    executor.migrate(own_migrations(executor.loader)[-1:])
    return empty


def own_migrations(loader: MigrationLoader) -> list[tuple[str, str]]:
    """From the first to the last."""
    [last] = loader.graph.leaf_nodes("jobqueue")
    return [key for key in loader.graph.forwards_plan(last) if key[0] == "jobqueue"]


def there_and_back(connection: BaseDatabaseWrapper) -> Iterator[str]:
    """Migrate one step after another to the last and back to the first; yield after each."""
    keys = own_migrations(MigrationLoader(connection))
    for key in [*keys, *keys[-2::-1]]:
        MigrationExecutor(connection).migrate([key])
        yield key[1]


def asked(connection: BaseDatabaseWrapper, statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def enqueued(connection: BaseDatabaseWrapper) -> int:
    [(job_id,)] = asked(connection, "INSERT INTO jobqueue_job DEFAULT VALUES RETURNING id")
    return int(job_id)


def ended(connection: BaseDatabaseWrapper, table: str) -> int:
    job_id = enqueued(connection)
    asked(connection, f"INSERT INTO {table} (id) VALUES ({job_id})")
    asked(connection, f"DELETE FROM jobqueue_job WHERE id = {job_id}")
    return job_id


def last_ids(connection: BaseDatabaseWrapper) -> dict[str, int]:
    return dict(asked(connection, "SELECT name, seq FROM sqlite_sequence"))


def apply(connection: BaseDatabaseWrapper, *operations: Operation) -> None:
    state = MigrationLoader(connection).project_state()
    with connection.schema_editor() as editor:
        migration = migrations.Migration("unnamed", "jobqueue")
        migration.operations = list(operations)
        migration.apply(state, editor)


@pytest.fixture(params=["drops columns", "as before SQLite 3.35"])
def of_any_age(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, empty: BaseDatabaseWrapper
) -> BaseDatabaseWrapper:
    """Where a column cannot be dropped, the table is written anew without it."""
    if request.param != "drops columns":
        if not hasattr(empty.features, "can_alter_table_drop_column"):
            pytest.skip("Django 6.1 knows no SQLite that cannot drop a column")
        monkeypatch.setattr(empty.features, "can_alter_table_drop_column", False)
    return empty


def test_after_each_migration_the_next_job_has_an_id_that_none_had(
    of_any_age: BaseDatabaseWrapper,
) -> None:
    largest = 0
    for name in there_and_back(of_any_age):
        job_id = ended(of_any_age, "jobqueue_archivedjob")
        assert job_id > largest, f"{name} writes jobqueue_job anew: say KeepLastIds([…])"
        largest = job_id


def test_no_migration_sets_back_the_counter_of_any_table(of_any_age: BaseDatabaseWrapper) -> None:
    """Batches, slots and others are named by records that outlive them, and those of the audit."""
    given: dict[str, int] = {}
    for number, name in enumerate(there_and_back(of_any_age), start=1):
        found, tables = last_ids(of_any_age), {table for (table,) in asked(of_any_age, COUNTED)}
        less = [table for table in tables & given.keys() if found.get(table, 0) < given[table]]
        assert not less, f"{name} writes {less} anew: say KeepLastIds([…])"
        given = dict.fromkeys(tables, 1000 * number)
        asked(of_any_age, "DELETE FROM sqlite_sequence")
        for table, last in given.items():
            asked(of_any_age, f"INSERT INTO sqlite_sequence VALUES ('{table}', {last})")


def test_a_table_that_is_written_anew_forgets_its_last_id(migrated: BaseDatabaseWrapper) -> None:
    job_id = ended(migrated, "jobqueue_archivedjob")

    apply(migrated, ADD_FIELD)

    assert enqueued(migrated) <= job_id


@pytest.mark.parametrize("table", ["jobqueue_archivedjob", "jobqueue_deadjob"])
@pytest.mark.parametrize("operations", [[], [ADD_FIELD]], ids=["as it is", "written anew"])
def test_nor_is_an_id_given_that_was_forgotten_before(
    migrated: BaseDatabaseWrapper, table: str, operations: list[Operation]
) -> None:
    for _ in range(3):
        job_id = ended(migrated, table)
    asked(migrated, "DELETE FROM sqlite_sequence WHERE name = 'jobqueue_job'")

    apply(migrated, KeepLastIds(operations))

    assert enqueued(migrated) == job_id + 1


def test_ids_that_no_record_has_any_more_are_not_given_either(
    migrated: BaseDatabaseWrapper,
) -> None:
    """The audit and the slots of schedules still name them."""
    job_id = ended(migrated, "jobqueue_archivedjob")
    asked(migrated, "DELETE FROM jobqueue_archivedjob")

    apply(migrated, KeepLastIds([ADD_FIELD]), KeepLastIds([]))

    assert enqueued(migrated) == job_id + 1


def test_ids_that_were_given_meanwhile_count(migrated: BaseDatabaseWrapper) -> None:
    given = migrations.RunSQL("INSERT INTO jobqueue_job (id) VALUES (7)")

    apply(migrated, KeepLastIds([given, migrations.RunSQL("DELETE FROM jobqueue_job")]))

    assert enqueued(migrated) == 8


def test_what_fails_leaves_the_counter_as_it_was(migrated: BaseDatabaseWrapper) -> None:
    job_id = ended(migrated, "jobqueue_archivedjob")

    with pytest.raises(OperationalError, match="no such table"):
        apply(migrated, KeepLastIds([ADD_FIELD, migrations.RunSQL("SELECT 1 FROM nowhere")]))

    apply(migrated, KeepLastIds([ADD_FIELD]))
    assert enqueued(migrated) == job_id + 1


def test_a_database_that_keeps_no_jobs_is_left_alone(empty: BaseDatabaseWrapper) -> None:
    with override_settings(DATABASE_ROUTERS=["tests.store.test_last_ids.NoJobsHere"]):
        assert len(list(there_and_back(empty))) > 1

    assert asked(empty, COUNTED) == []


def test_it_can_be_written_down_and_told_as_any_operation() -> None:
    kept = KeepLastIds([ADD_FIELD])

    text, imports = OperationWriter(kept).serialize()

    assert kept.describe() == "Add field colour to job"
    assert "import django_jobqueue.models.ids" in imports
    assert text.count("AddField") == 1
    assert text.split()[:2] == ["django_jobqueue.models.ids.KeepLastIds(", "operations=["]
