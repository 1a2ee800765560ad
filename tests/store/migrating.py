"""A migration is taken back and made again."""

from collections.abc import Callable
from importlib import import_module
from typing import TypeVar

from django.db import connection
from django.db.migrations.loader import MigrationLoader

Found = TypeVar("Found")


def found_when_taken_back(name: str, look: Callable[[], Found], *, after: str) -> Found:
    """Take it back to the migration that it comes `after`, look, and make it again."""
    operations = import_module(f"django_jobqueue.migrations.{name}").Migration.operations
    states = [MigrationLoader(connection).project_state(("jobqueue", after))]
    for operation in operations:
        states.append(states[-1].clone())
        operation.state_forwards("jobqueue", states[-1])
    with connection.schema_editor() as editor:
        for number in reversed(range(len(operations))):
            operations[number].database_backwards(
                "jobqueue", editor, states[number + 1], states[number]
            )
        found = look()
        for number, operation in enumerate(operations):
            operation.database_forwards("jobqueue", editor, states[number], states[number + 1])
    return found
