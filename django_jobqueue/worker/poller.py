"""The poller: one look for all duties of a host, which sleep until there is something for them."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.due import Due
from django_jobqueue.service import TickingTask
from django_jobqueue.service.pace import Pace
from django_jobqueue.store import JobStore

from .sweeps import Sweeps

Wake = Callable[[], object]


class Poller(TickingTask):
    """Asks whether anything is due before it will ask again, every `interval`, or every
    `poll_interval` where nobody `hears` what others enqueue; and wakes those whom it concerns. Who
    has a time to wait for waits for that by itself.

    Looks between, that somebody asks for, wake no pumps: who asked has done so. A look begins where
    the last one ended, as dead index entries lie before that beside an old snapshot; at everything
    as often as `Sweeps` grants it.
    """

    id = "poller"
    #: Looks at everything, where the database knows no other, take a twentieth of the time at most.
    SHARE = 0.05

    def __init__(
        self,
        *,
        store: JobStore,
        interval: timedelta,
        poll_interval: timedelta,
        hears: Callable[[], bool],
        pumps: Wake,
        quarantine: Wake,
        promoter: Wake,
        scheduler: Wake,
        reaper: Wake,
        elapsed: Callable[[], float] = monotonic,
        after_tick: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(interval=interval.total_seconds(), after_tick=after_tick)
        self._store, self._hears, self._elapsed = store, hears, elapsed
        self._pumps, self._quarantine = pumps, quarantine
        self._promoter, self._scheduler, self._reaper = promoter, scheduler, reaper
        self._own = Pace(interval=interval.total_seconds())
        # Where nothing is heard, it is the poll that finds what is ready.
        self._deaf = Pace(interval=min(interval, poll_interval).total_seconds())
        self._soon = self._own.interval * (1 + self._own.jitter)
        self._next_poll = self._not_before = float("-inf")
        self._owes_pumps = False  #: a look of its own that passed over what is ready
        self._looked_up_to: datetime | None = None
        self._sweeps = Sweeps(elapsed=elapsed)

    def tick(self) -> float | None:
        began_at = self._elapsed()
        if began_at < self._not_before:
            return self._not_before - began_at
        is_sweep, due = self._look()
        now = self._elapsed()
        if not is_sweep or due.up_to is None:
            self._not_before = now + (now - began_at) / self.SHARE
        is_poll = began_at >= self._next_poll
        if is_poll:
            self._next_poll = now + (self._own if self._hears() else self._deaf).after_tick(None)
        self._tell(due, wakes_pumps=is_poll or self._owes_pumps)
        self._owes_pumps = not is_sweep and (is_poll or self._owes_pumps)
        return max(self._next_poll - now, 0.0)

    def _look(self) -> tuple[bool, Due]:
        """Return whether it was at everything, and what it found."""
        is_granted = self._sweeps.may_begin()
        since = None if is_granted else self._looked_up_to
        due = self._store.due(since=since)
        if is_granted:
            self._sweeps.ended()
        self._looked_up_to = due.up_to
        return since is None, due

    def _tell(self, due: Due, *, wakes_pumps: bool) -> None:
        for is_due, wake in (
            (due.has_ready and wakes_pumps, self._pumps),
            (due.has_suspects, self._quarantine),
            (self._is_soon(due.scheduled_seconds) or due.has_waiting, self._promoter),
            (self._is_soon(due.slot_seconds), self._scheduler),
            (due.has_lost, self._reaper),
        ):
            if is_due:
                wake()

    def _is_soon(self, seconds: float | None) -> bool:
        return seconds is not None and seconds < self._soon
