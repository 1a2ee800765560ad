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
from django_jobqueue.core.specs import WorkerIdentity
from django_jobqueue.events import EventBus, events
from django_jobqueue.jobs.context import JobContext
from django_jobqueue.jobs.registry import Registry, registry
from django_jobqueue.service import Service, ServiceTask, SignalTask, StopSender
from django_jobqueue.store import JobStore, store_for

from .admission import Admission, Policies
from .draining import Drain
from .duties import HostDuties
from .executor import Executor
from .hands import HeldJob, InHand
from .heartbeat import Heartbeat
from .hygiene import (
    clean_async_thread,
    clean_thread,
    close_async_connections,
    close_connections,
)
from .looking import Looking
from .membership import Membership
from .outbox import Outbox
from .pauses import Pauses
from .preconditions import DatabaseIsReady
from .pump import Pump
from .queues import ServedQueues
from .runners import EventLoopRunner, ThreadRunners
from .slots import Slots
from .timeouts import TimeoutWatch

#: What the tasks of a service may take beyond the drain: interrupting, writing, saying good-bye.
AFTER_DRAIN_SECONDS = 5.0
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
        self,
        *,
        service: Service,
        pump: Pump,
        stop: StopSender,
        timeouts: TimeoutWatch,
        context_store: JobStore,
    ) -> None:
        self.service, self.pump = service, pump
        self._stop, self._timeouts, self._context_store = stop, timeouts, context_store

    def run(self) -> None:
        """Run until it is stopped or done; ServiceFailed says what went wrong."""
        try:
            self.service.run(self._stop.receiver())
        finally:
            self._timeouts.stop()
            self._context_store.close()

    def stop(self) -> None:
        """Ask it to stop: claim nothing more, finish what runs, give back the rest."""
        self._stop.send()


def build_worker(conf: JobQueueSettings, options: WorkerOptions) -> Worker:
    """Return the worker that `conf` and `options` describe; nothing has started yet."""
    return _Assembly(conf, options).worker()


class _Assembly:
    """The parts that several others share, and how each of the others is made from them."""

    def __init__(self, conf: JobQueueSettings, options: WorkerOptions) -> None:
        self.conf, self.options = conf, options
        self.store = store_for(conf.database)
        self.stop, self.timeouts = StopSender(), TimeoutWatch()
        self.in_hand, self.membership = InHand(), Membership(lease=conf.lease)
        self.pump_store = self._dedicated_store()
        # Not the handler's own connection: progress must be seen while its transaction is open.
        self.context_store = self._dedicated_store()
        self.queues = ServedQueues(
            self.pump_store,
            configured=options.queues,
            strict=options.strict,
            refresh_seconds=conf.poll_interval.total_seconds(),
        )
        self.policies = Policies(conf.retry_policy)
        self.executor = self._executor()
        self.pump = self._pump()
        self.executor.reports_to(self.pump.report)
        self.duties = HostDuties(
            conf,
            store=self.store,
            membership=self.membership,
            serves=self.queues.serves,
            wake=self.pump.wake,
            events=options.events,
        )

    def worker(self) -> Worker:
        tasks: list[ServiceTask] = [
            self._precondition(),
            self.pump,
            self._heartbeat(),
            *self.duties.tasks(
                janitor=self.options.janitor,
                # With `until_empty` it never idles, so nothing needs to wake it.
                listener=not self.options.until_empty,
            ),
        ]
        if self.options.handles_signals:
            tasks.append(SignalTask(on_second_signal=lambda _: self.pump.hurry()))
        service = Service(
            tasks,
            shutdown_timeout=self.conf.drain.total_seconds() + AFTER_DRAIN_SECONDS,
            hook_timeout=self.conf.shutdown_timeout.total_seconds(),
            after_thread=close_connections,
            # Once the worker is to stop, no task waits for its turn at the database any more.
            around_run=lambda stop: self.store.pausing_with(stop.wait),
        )
        return Worker(
            service=service,
            pump=self.pump,
            stop=self.stop,
            timeouts=self.timeouts,
            context_store=self.context_store,
        )

    def _executor(self) -> Executor:
        def make_context(held: HeldJob) -> JobContext:
            return JobContext(
                held.job,
                store=self.context_store,
                cancelled=held.cancelled,
                lease_lost=held.lease_lost,
                lease_in_doubt=self.membership.is_in_doubt,
            )

        return Executor(
            policies=self.policies,
            make_context=make_context,
            timeouts=self.timeouts,
            clean_thread=clean_thread,
            events=self.options.events,
            lease_in_doubt=self.membership.is_in_doubt,
        )

    def _admission(self) -> Admission:
        return Admission(
            registry=self.options.registry,
            policies=self.policies,
            unknown_handler_grace=self.conf.unknown_handler_grace,
        )

    def _pump(self) -> Pump:
        slots, poll_seconds = self._slots(), self.conf.poll_interval.total_seconds()
        outbox = Outbox(
            store=self.pump_store,
            in_hand=self.in_hand,
            events=self.options.events,
            settled=slots.settled,
            # What was just written may be due before the promoter would look again.
            rescheduled=lambda: self.duties.promoter.wake(),
        )
        drain = Drain(
            in_hand=self.in_hand,
            slots=slots,
            outbox=outbox,
            events=self.options.events,
            seconds=self.conf.drain.total_seconds(),
        )
        pauses = Pauses(self.pump_store, in_hand=self.in_hand, slots=slots, seconds=poll_seconds)
        return Pump(
            store=self.pump_store,
            membership=self.membership,
            in_hand=self.in_hand,
            slots=slots,
            queues=self.queues,
            prepare=self._admission().prepare,
            outbox=outbox,
            looking=Looking(poll_seconds=poll_seconds),
            pauses=pauses,
            drain=drain,
            poll_seconds=poll_seconds,
            until_empty=self.options.until_empty,
        )

    def _slots(self) -> Slots:
        threads = ThreadRunners(
            self.conf.concurrency, self.executor.perform, at_end=close_connections
        )
        loop = EventLoopRunner(
            self.conf.async_concurrency,
            self.executor.perform_async,
            tidy=clean_async_thread,
            at_end=close_async_connections,
        )
        return Slots(sync=threads, asynchronous=loop)

    def _precondition(self) -> DatabaseIsReady:
        patience = timedelta(0) if self.options.until_empty else self.conf.precondition_timeout
        return DatabaseIsReady(self.conf.database, timeout=patience, events=self.options.events)

    def _heartbeat(self) -> Heartbeat:
        return Heartbeat(
            store=self._dedicated_store(),
            membership=self.membership,
            in_hand=self.in_hand,
            identity=self._identity(),
            interval=self.conf.heartbeat_interval,
            lease=self.conf.lease,
            drained=self.pump.drained,
            on_stop_requested=self.stop.send,
            events=self.options.events,
        )

    def _dedicated_store(self) -> JobStore:
        return self.store.dedicated(prepared=self.conf.prepared_statements)

    def _identity(self) -> WorkerIdentity:
        return WorkerIdentity(
            id=NOBODY,  # the heartbeat fills in who it registers as
            host=socket.gethostname(),
            pid=os.getpid(),
            version=__version__,
            queues=tuple(self.options.queues),
            handlers=self.options.registry.names,
            concurrency=self.conf.concurrency,
        )
