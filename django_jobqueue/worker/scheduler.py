"""The scheduler: due schedules → jobs, once per slot."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from django_jobqueue.core.schedules import Fired
from django_jobqueue.events import EventBus
from django_jobqueue.service import TickingTask
from django_jobqueue.store import JobStore


class Scheduler(TickingTask):
    """Brings the rows in step with what is declared, once; then sleeps until the next slot,
    `interval` at most. `wake` is for what it enqueued here, `notify` for other processes.
    """

    id = "scheduler"

    def __init__(
        self,
        *,
        store: JobStore,
        declare: Callable[[], object],
        wake: Callable[[], None],
        notify: Callable[[Sequence[str]], None],
        events: EventBus,
        interval: timedelta,
        missed_after: timedelta,
        batch: int = 100,
        after_tick: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(interval=interval.total_seconds(), after_tick=after_tick)
        self._store, self._events = store, events
        self._declare, self._has_declared = declare, False
        self._wake_workers, self._notify = wake, notify
        self._seconds, self._batch = interval.total_seconds(), batch
        self._missed_after = missed_after

    def tick(self) -> float | None:
        if not self._has_declared:
            self._declare()
            self._has_declared = True
        fired = self._store.fire_schedules(missed_after=self._missed_after, limit=self._batch)
        if queues := {one.queue: None for one in fired.slots if one.job_id is not None}:
            self._wake_workers()
            self._notify(list(queues))
        self._tell(fired)
        if fired.next_slot_seconds is None:
            return None
        return min(self._seconds, fired.next_slot_seconds)

    def _tell(self, fired: Fired) -> None:
        for one in fired.slots:
            facts = {"schedule": one.schedule, "slot": one.slot.isoformat()}
            if one.job_id is None:
                self._events.emit("schedule.skipped", **facts, reason=one.reason)
            else:
                job = {"job_id": one.job_id, "handler": one.handler, "queue": one.queue}
                self._events.emit("schedule.fired", **facts, **job)
                self._events.emit("job.enqueued", **job)
        for name, reason in fired.disabled:
            self._events.emit("schedule.disabled", schedule=name, reason=reason)
