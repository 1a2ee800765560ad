"""The limit: what is left of a worker when every feature is taken away.

The same tables, columns and indexes as migrated, and the same promises: the worker's row and the
queue's pause are checked by the claim, a token fences the finish, finishing moves the job to the
archive. Nothing else: one queue, one outcome, no typed arguments, no events, no deadlines.
"""

from collections.abc import Callable, Mapping
from typing import Any

BATCH = 500
THREADS = 4
QUEUE = "default"

#: Handlers by the name that is stored in the row.
Handlers = Mapping[str, Callable[..., object]]


def moved_columns() -> str:
    """Return the columns that a finished job takes along; the other two tell how it finished."""
    from django_jobqueue.models import ArchivedJob

    columns = [field.attname for field in ArchivedJob._meta.concrete_fields]
    return ", ".join(column for column in columns if column not in ("state", "finished_at"))


def call(handlers: Handlers, name: str, payload: Mapping[str, Any]) -> None:
    """Run one handler with the arguments of its payload."""
    handlers[name](*payload["args"], **payload["kwargs"])
