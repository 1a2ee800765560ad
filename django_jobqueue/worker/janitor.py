"""The janitor: retention, in batches, and who keeps the database from removing what is gone."""

from collections.abc import Callable
from datetime import timedelta

from django_jobqueue.core.specs import Retention
from django_jobqueue.events import EventBus
from django_jobqueue.service import TickingTask
from django_jobqueue.store import JobStore

from .snapshots import SnapshotWatch


class Janitor(TickingTask):
    """Removes records past their retention; goes on at once while batches come back full. Has
    `snapshots` look, besides.
    """

    id = "janitor"

    def __init__(
        self,
        *,
        store: JobStore,
        retention: Retention,
        events: EventBus,
        interval: timedelta,
        batch: int,
        snapshots: SnapshotWatch,
        after_tick: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(interval=interval.total_seconds(), after_tick=after_tick)
        self._store, self._retention = store, retention
        self._events, self._batch, self._snapshots = events, batch, snapshots

    def tick(self) -> float | None:
        pruned = self._store.prune(self._retention, batch=self._batch)
        if pruned.largest:
            self._events.emit("records.pruned", pruned=pruned)
        self._snapshots.look()
        return 0.0 if pruned.largest >= self._batch else None
