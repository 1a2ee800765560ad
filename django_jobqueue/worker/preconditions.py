"""What must be true before a worker claims: the database can be reached, and its migrations are
applied.
"""

from collections.abc import Callable
from datetime import timedelta

from django.db import Error, connections
from django.db.migrations.executor import MigrationExecutor

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.errors import DatabaseNotReady
from django_jobqueue.events import EventBus
from django_jobqueue.service import ServiceTask, ServiceTaskKind, StopReceiver, TaskError
from django_jobqueue.store import store_for

APP_LABEL = "jobqueue"


def why_not_ready(using: str) -> str | None:
    """Return what keeps workers from this database, or None."""
    connection = connections[using]
    try:
        store_for(using).reach()
        executor = MigrationExecutor(connection)
        targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] == APP_LABEL]
        missing = [migration.name for migration, _ in executor.migration_plan(targets)]
    except Error as error:  # InterfaceError too, which is no DatabaseError
        return f"the database {using!r} cannot be reached: {str(error).strip()}"
    finally:
        connection.close()
    if missing:
        return (
            f"migrations are not applied on the database {using!r}: {', '.join(missing)} "
            "(run `manage.py migrate`)"
        )
    return None


class DatabaseIsReady(ServiceTask):
    """Looks until the database is ready, says every `TELL_SECONDS` what it waits for, and gives up
    after `timeout`. `at_ready` is called before anything is claimed.

    A worker may so start before the migration of a deploy has run.
    """

    id = "database is ready"
    kind = ServiceTaskKind.PRECONDITION
    LOOK_SECONDS = 0.5
    TELL_SECONDS = 10.0

    def __init__(
        self,
        using: str,
        *,
        timeout: timedelta,
        events: EventBus,
        at_ready: Callable[[StopReceiver], object] = lambda stop: None,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._at_ready = at_ready
        self._using, self._timeout, self._events = using, timeout.total_seconds(), events
        self._elapsed = elapsed

    def run(self, stop: StopReceiver) -> None:
        began = self._elapsed()
        told_at: float | None = None
        while (why := why_not_ready(self._using)) is not None:
            waited = self._elapsed() - began
            if waited >= self._timeout:
                raise TaskError(str(DatabaseNotReady(why))) from DatabaseNotReady(why)
            if told_at is None or waited - told_at >= self.TELL_SECONDS:
                told_at = waited
                self._events.emit("worker.waits", why=why)
            if stop.wait(self.LOOK_SECONDS):
                return
        self._at_ready(stop)
