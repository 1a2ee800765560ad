"""The map of a worker: every part is made here and handed to the others; the only reader of
settings.
"""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django_jobqueue import __version__
from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.clock import SystemClock
from django_jobqueue.core.specs import Retention, WorkerIdentity
from django_jobqueue.events import EventBus, events
from django_jobqueue.jobs.context import JobContext
from django_jobqueue.jobs.registry import Registry, registry
from django_jobqueue.service import (
    Service,
    ServiceTask,
    SignalTask,
    StopSender,
)
from django_jobqueue.store import JobStore, store_for

from .executor import Executor
from .hands import HeldJob, InHand
from .heartbeat import Heartbeat
from .hygiene import clean_async_thread, clean_thread, close_connections
from .janitor import Janitor
from .listener import DataVersionWatch, Listener
from .membership import Membership
from .preconditions import DatabaseIsReady
from .promoter import Promoter
from .pump import Pump
from .queues import ServedQueues
from .reaper import Reaper
from .runners import EventLoopRunner, ThreadRunners
from .slots import Slots
from .timeouts import TimeoutWatch

NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """What one start of a worker is asked to do; the settings say the rest."""

    queues: Sequence[str] = ()
    strict: bool = False
    until_empty: bool = False
    janitor: bool = True
    handles_signals: bool = False
    registry: Registry = field(default_factory=lambda: registry)
    events: EventBus = field(default_factory=lambda: events)


class Worker:
    """One worker of this process: a service, the pump at its heart, and a stop of its own."""

    def __init__(
        self, *, service: Service, pump: Pump, stop: StopSender, timeouts: TimeoutWatch
    ) -> None:
        self.service, self.pump = service, pump
        self._stop, self._timeouts = stop, timeouts

    def run(self) -> None:
        """Run until it is stopped or done; ServiceFailed says what went wrong."""
        try:
            self.service.run(self._stop.receiver())
        finally:
            self._timeouts.stop()

    def stop(self) -> None:
        """Ask it to stop: claim nothing more, finish what runs, give back the rest."""
        self._stop.send()


def build_worker(conf: JobQueueSettings, options: WorkerOptions) -> Worker:
    """Return the worker that `conf` and `options` describe; nothing has started yet."""
    stop, timeouts = StopSender(), TimeoutWatch()
    in_hand, membership = InHand(), Membership(lease=conf.lease)
    store = store_for(conf.database)
    executor = _executor(conf, options, store, timeouts)
    slots = Slots(
        sync=ThreadRunners(conf.concurrency, executor.perform, at_end=close_connections),
        asynchronous=EventLoopRunner(
            conf.async_concurrency, executor.perform_async, tidy=clean_async_thread
        ),
    )
    pump_store = _dedicated(store, conf)
    queues = ServedQueues(
        pump_store,
        configured=options.queues,
        strict=options.strict,
        refresh_seconds=conf.poll_interval.total_seconds(),
    )
    pump = Pump(
        store=pump_store,
        membership=membership,
        in_hand=in_hand,
        slots=slots,
        queues=queues,
        prepare=executor.prepare,
        events=options.events,
        poll_seconds=conf.poll_interval.total_seconds(),
        drain_seconds=conf.drain.total_seconds(),
        until_empty=options.until_empty,
    )
    executor.reports_to(pump.report)
    heartbeat = Heartbeat(
        store=_dedicated(store, conf),
        membership=membership,
        in_hand=in_hand,
        identity=_identity(conf, options),
        interval=conf.heartbeat_interval,
        lease=conf.lease,
        drained=pump.drained,
        on_stop_requested=stop.send,
        events=options.events,
    )
    tasks: list[ServiceTask] = [
        DatabaseIsReady(
            conf.database,
            timeout=timedelta(0) if options.until_empty else conf.precondition_timeout,
            events=options.events,
        ),
        pump,
        heartbeat,
        *_duties(conf, options, store, membership, pump, queues),
    ]
    if options.handles_signals:
        tasks.append(SignalTask(on_second_signal=lambda _: pump.hurry()))
    service = Service(
        tasks,
        shutdown_timeout=conf.drain.total_seconds() + 5.0,
        hook_timeout=conf.shutdown_timeout.total_seconds(),
        after_thread=close_connections,
    )
    return Worker(service=service, pump=pump, stop=stop, timeouts=timeouts)


def _executor(
    conf: JobQueueSettings, options: WorkerOptions, store: JobStore, timeouts: TimeoutWatch
) -> Executor:
    context_store = _dedicated(store, conf)

    def make_context(held: HeldJob) -> JobContext:
        return JobContext(
            held.job, store=context_store, cancelled=held.cancelled, lease_lost=held.lease_lost
        )

    return Executor(
        registry=options.registry,
        defaults=conf.retry_policy,
        clock=SystemClock(),
        make_context=make_context,
        timeouts=timeouts,
        clean_thread=clean_thread,
        events=options.events,
        unknown_handler_grace=conf.unknown_handler_grace,
    )


def _duties(
    conf: JobQueueSettings,
    options: WorkerOptions,
    store: JobStore,
    membership: Membership,
    pump: Pump,
    queues: ServedQueues,
) -> list[ServiceTask]:
    """What a host needs once, beside the pump."""
    duties: list[ServiceTask] = [
        Promoter(
            store=store, wake=pump.wake, events=options.events, interval=conf.promote_interval
        ),
        Reaper(
            store=store,
            membership=membership,
            wake=pump.wake,
            events=options.events,
            interval=conf.reap_interval,
        ),
    ]
    if options.janitor:
        retention = Retention(archive=conf.archive_retention, dead=conf.dead_retention)
        duties.append(
            Janitor(
                store=store,
                retention=retention,
                events=options.events,
                interval=conf.janitor_interval,
                batch=conf.janitor_batch,
            )
        )
    if options.until_empty:
        return duties  # it never idles, so nothing needs to wake it
    if store.supports_notify:
        from django_jobqueue.store.notifications import Notifications

        notifications = Notifications(conf.database)
        duties.append(
            Listener(
                notifications=notifications,
                serves=queues.serves,
                wake=pump.wake,
                events=options.events,
            )
        )
    else:
        duties.append(DataVersionWatch(conf.database, wake=pump.wake))
    return duties


def _dedicated(store: JobStore, conf: JobQueueSettings) -> JobStore:
    return store.dedicated(prepared=conf.prepared_statements)


def _identity(conf: JobQueueSettings, options: WorkerOptions) -> WorkerIdentity:
    return WorkerIdentity(
        id=NOBODY,  # the heartbeat fills in who it registers as
        host=socket.gethostname(),
        pid=os.getpid(),
        version=__version__,
        queues=tuple(options.queues),
        handlers=options.registry.names,
        concurrency=conf.concurrency,
    )
