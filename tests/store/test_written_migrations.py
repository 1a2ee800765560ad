"""A site may squash its migrations: Django writes each operation anew, with what it imports."""

from typing import Any

import pytest
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.writer import MigrationWriter

MIGRATIONS = [
    migration
    for (app_label, _), migration in sorted(MigrationLoader(None).disk_migrations.items())
    if app_label == "jobqueue"
]


def told(operation: Any) -> str:
    """All that makes it what it is, and those that it is around."""
    name, args, kwargs = operation.deconstruct()
    inner = [told(one) for one in kwargs.pop("operations", ())]
    facts = {
        key: value.deconstruct() if hasattr(value, "deconstruct") else value
        for key, value in kwargs.items()
    }
    return f"{name} {args} {facts} {inner}"


@pytest.mark.parametrize("migration", MIGRATIONS, ids=lambda migration: migration.name)
def test_a_migration_that_is_written_anew_does_the_same(migration: Migration) -> None:
    written: dict[str, Any] = {}

    exec(MigrationWriter(migration).as_string(), written)

    anew: list[Operation] = written["Migration"].operations
    assert list(map(told, anew)) == list(map(told, migration.operations))
    assert written["Migration"].dependencies == migration.dependencies
