"""Effects that a handler has on the database of its queue, and how it is declared."""

from typing import Any

from django_jobqueue import Constant
from django_jobqueue.models import QueueRecord

#: On SQLite it needs a timeout below the lease.
TRANSACTIONAL: dict[str, Any] = {"transactional": True, "timeout": 20, "backoff": Constant(0)}


def write(name: str = "effect") -> None:
    """Some row of the site's own."""
    QueueRecord.objects.create(name=name)


def effects() -> list[str]:
    return sorted(QueueRecord.objects.values_list("name", flat=True))
