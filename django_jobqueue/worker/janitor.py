"""The janitor: retention, in batches, and who keeps the database from removing what is gone."""

from collections.abc import Callable
from datetime import timedelta

from django_jobqueue.core.specs import Retention
from django_jobqueue.events import EventBus
from django_jobqueue.service import TickingTask
from django_jobqueue.store import JobStore, RecordMarks

from .snapshots import SnapshotWatch


class Janitor(TickingTask):
    """Removes records past their retention; while batches come back full, goes on at once from
    where the last one ended. Has `snapshots` look, besides.
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
        self._marks: RecordMarks = {}

    def tick(self) -> float | None:
        pruned = self._store.prune(self._retention, batch=self._batch, marks=self._marks)
        if pruned.largest:
            self._events.emit("records.pruned", pruned=pruned)
        self._snapshots.look()
        if pruned.largest >= self._batch:
            return 0.0
        self._marks.clear()  # what was locked, or is not of these queues, is looked for by the next
        return None
