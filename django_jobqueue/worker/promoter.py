"""The promoter: scheduled → ready when their time has come."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.limits import LimitName, Unblocked
from django_jobqueue.core.specs import Promoted
from django_jobqueue.events import EventBus
from django_jobqueue.service import TickingTask
from django_jobqueue.store import JobStore

from .sweeps import Sweeps


class Promoter(TickingTask):
    """Sleeps until the next job is due, `interval` at most, and wakes the pumps of what it
    promoted: its own, and by `notify` those of other processes.

    It goes on from where it has promoted: while somebody holds an old snapshot, dead index entries
    lie before that. It goes back for what was committed late, or edited, and looks for what waits
    for other jobs, for members or for limits, as often as `Sweeps` grants it; what waits for a rate
    becomes ready in time all the same.
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
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__(interval=interval.total_seconds(), after_tick=after_tick)
        self._store, self._events = store, events
        self._wake_pump, self._notify = wake, notify
        self._seconds, self._batch = interval.total_seconds(), batch
        self._swept_up_to = self._batches_up_to = 0
        self._promoted_up_to: datetime | None = None
        self._sweeps = Sweeps(elapsed=elapsed)
        self._waiting = Sweeps(elapsed=elapsed)
        self._rated: tuple[LimitName, ...] = ()

    def tick(self) -> float | None:
        promoted = self._promote()
        if promoted.count:
            self._wake_workers(promoted.queues)
            self._events.emit("jobs.promoted", count=promoted.count, queues=promoted.queues)
        unblocked, passed_over = self._unblock()
        if unblocked.count:
            self._wake_workers(unblocked.queues)
            self._events.emit("jobs.unblocked", count=unblocked.count, queues=unblocked.queues)
        if promoted.count >= self._batch:
            return 0.0  # a full batch: more may be due
        due = [promoted.next_due_seconds, unblocked.next_due_seconds, passed_over]
        known = [seconds for seconds in due if seconds is not None]
        return min(self._seconds, *known) if known else None

    def _promote(self) -> Promoted:
        is_sweep = self._sweeps.may_begin()
        since = None if is_sweep else self._promoted_up_to
        promoted = self._store.promote(limit=self._batch, since=since)
        if is_sweep:
            self._sweeps.ended()
        self._go_on_from(promoted)
        return promoted

    def _go_on_from(self, promoted: Promoted) -> None:
        known = self._promoted_up_to
        if known is None or promoted.count >= self._batch:
            self._promoted_up_to = promoted.up_to or known
        elif promoted.up_to is not None:  # late ones, all of them, send nobody back
            self._promoted_up_to = max(known, promoted.up_to)

    def _unblock(self) -> tuple[Unblocked, float | None]:
        """Return what became ready, and in how many seconds to look for what was passed over."""
        if not self._waiting.may_begin():
            unblocked = self._store.unblock(self._rated) if self._rated else Unblocked()
            return unblocked, self._waiting.due_in
        self._follow()
        unblocked = self._store.unblock()
        self._rated = unblocked.rated
        self._waiting.ended()
        return unblocked, None

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
