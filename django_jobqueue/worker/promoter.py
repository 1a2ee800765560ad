"""The promoter: scheduled → ready when their time has come."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from django_jobqueue.events import EventBus
from django_jobqueue.service import TickingTask
from django_jobqueue.store import JobStore


class Promoter(TickingTask):
    """Sleeps until the next job is due, `interval` at most, and wakes the pumps of what it
    promoted: its own, and by `notify` those of other processes.
    """

    id = "promoter"

    def __init__(
        self,
        *,
        store: JobStore,
        wake: Callable[[], None],
        notify: Callable[[Sequence[str]], None],
        events: EventBus,
        interval: timedelta,
        batch: int = 500,
        after_tick: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(interval=interval.total_seconds(), after_tick=after_tick)
        self._store, self._events = store, events
        self._wake_pump, self._notify = wake, notify
        self._seconds, self._batch = interval.total_seconds(), batch
        self._swept_up_to = self._batches_up_to = 0

    def tick(self) -> float | None:
        promoted = self._store.promote(limit=self._batch)
        if promoted.count:
            self._wake_workers(promoted.queues)
            self._events.emit("jobs.promoted", count=promoted.count, queues=promoted.queues)
        self._follow()
        unblocked = self._store.unblock()
        if unblocked.count:
            self._wake_workers(unblocked.queues)
            self._events.emit("jobs.unblocked", count=unblocked.count, queues=unblocked.queues)
        if promoted.count >= self._batch:
            return 0.0  # a full batch: more may be due
        due = [promoted.next_due_seconds, unblocked.next_due_seconds]
        known = [seconds for seconds in due if seconds is not None]
        return min(self._seconds, *known) if known else None

    def _follow(self) -> None:
        """A stretch of those that wait for other jobs, and of the batches, each time: finishes have
        followed them, unless a lock was in the way.
        """
        swept = self._store.sweep_waiting(after=self._swept_up_to, limit=self._batch)
        self._swept_up_to = swept.up_to
        if swept.followed:
            self._wake_workers(sorted({one.queue for one in swept.followed}))
            self._events.emit("jobs.followed", ids=tuple(one.id for one in swept.followed))
        batches = self._store.sweep_batches(after=self._batches_up_to, limit=self._batch)
        self._batches_up_to = batches.up_to
        if batches.queues:
            self._wake_workers(batches.queues)

    def _wake_workers(self, queues: Sequence[str]) -> None:
        self._wake_pump()
        self._notify(queues)
