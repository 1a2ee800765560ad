"""The difference between this host's clock and the database's."""

from collections.abc import Callable
from datetime import timedelta

from django_jobqueue.core.clock import Clock, DatabaseClock
from django_jobqueue.events import EventBus
from django_jobqueue.service import TickingTask
from django_jobqueue.store import JobStore


class ClockWatch(TickingTask):
    """Tells when the clocks differ by more than `tolerance`, when the worker starts and every
    `interval`.

    Nothing is decided by this host's clock. But delays that callers compute from it, and times in
    its logs, are off by as much, and whoever looks for the reason should be told.
    """

    id = "clocks"

    def __init__(
        self,
        *,
        store: JobStore,
        clock: Clock,
        events: EventBus,
        interval: timedelta = timedelta(minutes=10),
        tolerance: timedelta = timedelta(seconds=2),
        after_tick: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(interval=interval.total_seconds(), after_tick=after_tick)
        self._store, self._clock, self._events = store, clock, events
        self._tolerance = tolerance

    def tick(self) -> None:
        before = self._clock.now()
        database_now = self._store.database_now()
        measured = DatabaseClock(self._clock).measured(
            database_now, before=before, after=self._clock.now()
        )
        if abs(measured.offset) > self._tolerance:
            ahead = round(-measured.offset.total_seconds(), 3)
            self._events.emit("worker.clock_differs", seconds_ahead_of_database=ahead)
