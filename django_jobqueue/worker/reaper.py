"""The reaper: takes back what dead workers held, and what living ones should have ended long ago.
Any worker may; there is no leader.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

from django_jobqueue.events import EventBus
from django_jobqueue.service import TickingTask
from django_jobqueue.store import JobStore

from .membership import Membership
from .overdue import Overdue


class Reaper(TickingTask):
    """Declares workers dead whose lease ran out, and fails what is `overdue`; both only once its
    own heartbeats have been well for a full lease, so that after an outage the others write first.
    """

    id = "reaper"

    def __init__(
        self,
        *,
        store: JobStore,
        overdue: Overdue,
        membership: Membership,
        wake: Callable[[], None],
        notify: Callable[[Sequence[str]], None],
        events: EventBus,
        interval: timedelta,
        after_tick: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(interval=interval.total_seconds(), after_tick=after_tick)
        self._store, self._overdue, self._membership = store, overdue, membership
        self._wake_pump, self._notify, self._events = wake, notify, events

    def tick(self) -> float | None:
        if not self._membership.may_reap():
            return None
        rescued = self._store.release_of_dead_workers()
        for one in rescued:
            self._events.emit("worker.reaped", worker_id=one.worker_id, job_ids=one.job_ids)
        queues = {queue for one in rescued for queue in one.queues} | self._overdue.fail()
        if queues:
            self._wake_pump()
            self._notify(sorted(queues))
        return None
