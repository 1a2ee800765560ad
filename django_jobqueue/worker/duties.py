"""What a host needs once, beside the pump: made from the settings that the assembly hands down."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Protocol

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.clock import SystemClock
from django_jobqueue.core.specs import Retention
from django_jobqueue.events import EventBus
from django_jobqueue.jobs.declarations import declare_schedules
from django_jobqueue.jobs.registry import Registry
from django_jobqueue.jobs.spooling import spool_of
from django_jobqueue.jobs.wakeups import wakeups
from django_jobqueue.service import ServiceTask, StopReceiver
from django_jobqueue.store import JobStore
from django_jobqueue.store.notifications import Notifications

from .clocks import ClockWatch
from .flusher import Flusher
from .hearing import Hearing
from .hygiene import close_connections, drop_broken_connections
from .janitor import Janitor
from .listener import DataVersionWatch, Ear, Listener
from .membership import Membership
from .overdue import Overdue
from .poller import Poller
from .promoter import Promoter
from .reaper import Reaper
from .scheduler import Scheduler
from .snapshots import SnapshotWatch


class WakePumps(Protocol):
    """Has pumps look at once; into this queue, if one is named."""

    def __call__(self, queue: str | None = None, /) -> None: ...


#: How often duties look that the poller wakes: in case it does not.
SELDOM = timedelta(minutes=5)


class HostDuties:
    """Poller, promoter, reaper, clock watch, flusher, janitor, scheduler and listener of one
    worker. `wake` has its pumps look at once, `suspects_wait` is called while there are some, and
    when jobs were taken back from a dead worker. What the handlers of `registry` declare is
    scheduled. `hearing` is what hears notifications of queues that it `serves`, where the database
    has such.
    """

    def __init__(
        self,
        conf: JobQueueSettings,
        *,
        store: JobStore,
        membership: Membership,
        serves: Callable[[str], bool],
        wake: WakePumps,
        suspects_wait: Callable[[], object],
        registry: Registry,
        events: EventBus,
    ) -> None:
        self._conf, self._store, self._membership = conf, store, membership
        self._wake_pump, self._events = wake, events
        self._suspects_wait, self._registry = suspects_wait, registry
        self.promoter, self.scheduler = self._promoter(), self._scheduler()
        self.flusher = self._flusher()
        self.hearing = self._make_hearing(serves)
        self._reaps, self._listens = self._reaper(), self._listener()
        self.poller = self._poller()

    def before_claims(self, stop: StopReceiver, *, fires: bool = False) -> None:
        """Flush the spool; with `fires`, have the jobs of due slots enqueued, too."""
        if self.flusher is not None:
            self.flusher.flush_all(stop)
        if fires:
            self.scheduler.round()

    def tasks(
        self, *, janitor: bool, scheduler: bool, listener: bool, ear: bool
    ) -> list[ServiceTask]:
        """Return those that are to run; `ear` where no pump of this process hears."""
        tasks: list[ServiceTask] = [self.poller, self.promoter, self._reaps, self._clock_watch()]
        if self.flusher is not None:
            tasks.append(self.flusher)
        if janitor:
            tasks.append(self._janitor())
        if scheduler:
            tasks.append(self.scheduler)
        if listener:
            tasks.append(self._listens)
            if ear and self.hearing is not None:
                tasks.append(Ear(self.hearing, Notifications.apart(self._conf.database)))
        return tasks

    def _poller(self) -> Poller:
        conf = self._conf
        return Poller(
            store=self._store,
            interval=min(conf.promote_interval, conf.schedule_interval, conf.reap_interval),
            poll_interval=conf.poll_interval,
            hears=lambda: self._listens.hears,
            pumps=self._wake_pump,
            quarantine=self._suspects_wait,
            promoter=self.promoter.wake,
            scheduler=self.scheduler.wake,
            reaper=self._reaps.wake,
            after_tick=drop_broken_connections,
        )

    def _promoter(self) -> Promoter:
        return Promoter(
            store=self._store,
            wake=self._wake_pump,
            notify=self._notify,
            events=self._events,
            interval=SELDOM,
            after_tick=drop_broken_connections,
        )

    def _reaper(self) -> Reaper:
        return Reaper(
            store=self._store,
            overdue=Overdue(
                store=self._store,
                registry=self._registry,
                defaults=self._conf.retry_policy,
                events=self._events,
            ),
            membership=self._membership,
            wake=self._rescued,
            notify=self._notify,
            events=self._events,
            interval=SELDOM,
            # Seldom: its connection is not worth keeping.
            after_tick=close_connections,
        )

    def _janitor(self) -> Janitor:
        conf = self._conf
        return Janitor(
            store=self._store,
            retention=Retention(
                archive=conf.archive_retention,
                dead=conf.dead_retention,
                audit=conf.audit_retention,
            ),
            events=self._events,
            interval=conf.janitor_interval,
            batch=conf.janitor_batch,
            snapshots=SnapshotWatch(store=self._store, events=self._events),
            after_tick=drop_broken_connections,
        )

    def _scheduler(self) -> Scheduler:
        conf, store, events = self._conf, self._store, self._events
        return Scheduler(
            store=store,
            declare=partial(declare_schedules, self._registry, conf, store=store, events=events),
            wake=self._wake,
            notify=self._notify,
            events=events,
            interval=SELDOM,
            missed_after=conf.missed_after,
            after_tick=drop_broken_connections,
        )

    def _flusher(self) -> Flusher | None:
        if (spool := spool_of(self._conf)) is None:
            return None
        return Flusher(
            spool,
            store=self._store,
            settings=self._conf,
            wake=self._wake,
            events=self._events,
            after_tick=drop_broken_connections,
        )

    def _clock_watch(self) -> ClockWatch:
        # Seldom: its connection is not worth keeping.
        return ClockWatch(
            store=self._store,
            clock=SystemClock(),
            events=self._events,
            after_tick=close_connections,
        )

    def _make_hearing(self, serves: Callable[[str], bool]) -> Hearing | None:
        if not self._store.supports_notify:
            return None
        return Hearing(
            serves=serves,
            wake=self._wake_pump,
            look=lambda: self.poller.wake(),  # not made yet: it asks whether anybody hears
            debounce_seconds=self._conf.notify_debounce.total_seconds(),
        )

    def _listener(self) -> Listener | DataVersionWatch:
        if self.hearing is None:
            return DataVersionWatch(self._conf.database, wake=self._wake)
        return Listener(self.hearing, events=self._events)

    def _notify(self, queues: Sequence[str]) -> None:
        """Wake other workers, as seldom as an enqueue in this process does."""
        debounce = self._conf.notify_debounce.total_seconds()
        wakeups.send(queues, store=self._store, debounce=debounce)

    def _rescued(self) -> None:
        self._wake_pump()
        self._suspects_wait()

    def _wake(self, queue: str | None = None) -> None:
        """Something was enqueued: ready now, or due before the poller would look again."""
        self._wake_pump(queue)
        self.poller.wake()
