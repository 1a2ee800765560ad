"""The map of a worker: every part is made here, or in the halves that it is made of, and handed to
the others; the only reader of settings.
"""

import os
import socket
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

from django_jobqueue import __version__
from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.specs import WorkerIdentity
from django_jobqueue.service import (
    HealthRegistry,
    Service,
    ServiceTask,
    SignalTask,
    StopReceiver,
    StopSender,
)
from django_jobqueue.store import JobStore, store_for

from .claiming import Claiming
from .duties import HostDuties
from .heartbeat import Heartbeat
from .hygiene import close_connections
from .lease import Holder, Lease
from .marks import NO_MARKS
from .membership import Membership
from .options import WorkerOptions
from .preconditions import DatabaseIsReady
from .probes import Probes
from .pump import Pump
from .services import make_services
from .standing import Claimer, Standing, ThisProcess, standing_of
from .supervising import Supervising, names_settings
from .supervisor import QUARANTINE
from .systemd import SystemdNotify

#: What the tasks of a service may take beyond the drain: interrupting, writing, saying good-bye.
AFTER_DRAIN_SECONDS = 5.0
NOBODY = UUID(int=0)


class Worker:
    """A service that claims and runs jobs, with a stop of its own.

    `polling` is set once jobs are looked for. `hurry` has what still runs given back at once,
    before or after the stop. `pump` is the one of this process, if it has one; `abandoned` says
    whether handlers were still running there at the end.
    """

    def __init__(
        self,
        service: Service,
        *,
        stop: StopSender,
        polling: threading.Event,
        hurry: Callable[[], None],
        pump: Pump | None = None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._service, self._stop, self.polling = service, stop, polling
        self.pump, self.hurry, self._close = pump, hurry, close

    @property
    def abandoned(self) -> bool:
        return self.pump is not None and self.pump.abandoned

    def run(self) -> None:
        """Run until it is stopped or done; ServiceFailed says what went wrong."""
        try:
            self._service.run(self._stop.receiver())
        finally:
            self._close()

    def stop(self) -> None:
        """Ask it to stop: claim nothing more, finish what runs, give back the rest."""
        self._stop.send()


def build_worker(conf: JobQueueSettings, options: WorkerOptions) -> Worker:
    """Return the worker that `conf` and `options` describe; nothing has started yet."""
    return _Assembly(conf, options).worker()


class _Assembly:
    """The duties of the host in any case; pumps here, or in children; quarantine in a child."""

    def __init__(self, conf: JobQueueSettings, options: WorkerOptions) -> None:
        self.conf, self.options = conf, options
        self.store, self.stop = store_for(conf.database), StopSender()
        self.health = HealthRegistry()
        #: Of this host, whose heartbeats say whether it may declare others dead.
        self.membership = Membership(lease=conf.lease)
        self.shutdown_seconds = conf.drain.total_seconds() + AFTER_DRAIN_SECONDS
        self.duties = HostDuties(
            conf,
            store=self.store,
            membership=self.membership,
            serves=options.serves,
            wake=self._wake,
            rescued=self._look_for_suspects,
            registry=options.registry,
            events=options.events,
        )
        self.claiming = None if options.processes else self._claiming()
        # What drains what is due has no time for children to start, and leaves suspects to others.
        has_quarantine = options.quarantine and not options.until_empty and names_settings()
        has_children = bool(options.processes) or has_quarantine
        self.polling = self.claiming.pump.polling if self.claiming else threading.Event()
        self.supervising = self._supervising() if has_children else None

    def worker(self) -> Worker:
        pump = self.claiming.pump if self.claiming else None
        return Worker(
            self._service(),
            stop=self.stop,
            polling=self.polling,
            hurry=self._hurry,
            pump=pump,
            close=self.claiming.close if self.claiming else lambda: None,
        )

    def _service(self) -> Service:
        tasks: list[ServiceTask] = [self._precondition()]
        if self.claiming is not None:
            tasks += [self.claiming.pump, self._heartbeat(self.claiming)]
        if self.supervising is not None:
            tasks += self.supervising.tasks()
        tasks += self.duties.tasks(
            janitor=self.options.janitor,
            scheduler=self.options.scheduler,
            # With `until_empty` it never idles, so nothing needs to wake it.
            listener=not self.options.until_empty,
        )
        if self.options.handles_signals:
            tasks += self._of_a_command()
        if self.options.probes and (address := self.conf.probes) is not None:
            tasks.append(Probes(address, look=self._standing, events=self.options.events))
        tasks += make_services(self.conf.services, beside=tasks)
        return Service(
            tasks,
            shutdown_timeout=self.shutdown_seconds,
            hook_timeout=self.conf.shutdown_timeout.total_seconds(),
            health=self.health,
            after_thread=close_connections,
            # Once the worker is to stop, no task waits for its turn at the database any more.
            around_run=lambda stop: self.store.pausing_with(stop.wait),
        )

    def _of_a_command(self) -> list[ServiceTask]:
        """What a process has that is nothing but this worker."""
        tasks: list[ServiceTask] = [SignalTask(on_second_signal=lambda _: self._hurry())]
        systemd = SystemdNotify.from_environment(
            os.environ, polling=self.polling, is_well=self.membership.may_claim
        )
        return tasks if systemd is None else [*tasks, systemd]

    def _claiming(self) -> Claiming:
        return Claiming(
            self.conf,
            self.options,
            store=self.store,
            membership=self.membership,
            marks=NO_MARKS,
            rescheduled=self.duties.promoter.wake,
        )

    def _supervising(self) -> Supervising:
        # The quarantine of a worker in one process says nothing about that one's own heartbeat.
        of_its_own = Membership(lease=self.conf.lease)
        return Supervising(
            self.conf,
            self.options,
            store=self.store,
            host=of_its_own if self.claiming else self.membership,
            lease_for=self._lease,
            polling=self.polling.set,
            wake=self._wake,
            rescheduled=self.duties.promoter.wake,
            stop=self.stop.send,
            stop_seconds=self.shutdown_seconds,
        )

    def _precondition(self) -> DatabaseIsReady:
        patience = timedelta(0) if self.options.until_empty else self.conf.precondition_timeout
        return DatabaseIsReady(
            self.conf.database,
            timeout=patience,
            events=self.options.events,
            at_ready=self._before_claims,
        )

    def _before_claims(self, stop: StopReceiver) -> None:
        if self.duties.flusher is not None:
            self.duties.flusher.flush_all(stop)
        # What drains what is due must not end before the jobs of due slots are there.
        if self.options.until_empty and self.options.scheduler:
            self.duties.scheduler.round()

    def _heartbeat(self, claiming: Claiming) -> Heartbeat:
        store = self.store.dedicated(prepared=self.conf.prepared_statements)
        return Heartbeat(
            self._lease(claiming.in_hand, self.membership, store=store, pid=os.getpid()),
            store=store,
            interval=self.conf.heartbeat_interval,
            drained=claiming.pump.drained,
            on_stop_requested=self.stop.send,
        )

    def _lease(self, holder: Holder, membership: Membership, *, store: JobStore, pid: int) -> Lease:
        return Lease(
            holder,
            membership=membership,
            store=store,
            identity=WorkerIdentity(
                id=NOBODY,  # the lease fills in who it registers as
                host=socket.gethostname(),
                pid=pid,
                version=__version__,
                queues=tuple(self.options.queues),
                handlers=self.options.registry.names,
                concurrency=self.conf.concurrency,
            ),
            interval=self.conf.heartbeat_interval,
            lease=self.conf.lease,
            events=self.options.events,
        )

    def _standing(self) -> Standing:
        return standing_of(self._claimers(), service=self.health.report().status)

    def _claimers(self) -> Sequence[Claimer]:
        if self.claiming is not None:
            return [ThisProcess(self.membership, is_polling=self.claiming.pump.polling.is_set())]
        children = self.supervising.supervisor.children if self.supervising else []
        return [one for one in children if one.name != QUARANTINE and not one.has_ended]

    # What the parts tell each other.

    def _wake(self) -> None:
        if self.claiming is not None:
            self.claiming.pump.wake()
        if self.supervising is not None:
            self.supervising.wake()

    def _hurry(self) -> None:
        if self.claiming is not None:
            self.claiming.pump.hurry()
        if self.supervising is not None:
            self.supervising.hurry()

    def _look_for_suspects(self) -> None:
        self._wake()
        if self.supervising is not None:
            self.supervising.supervisor.suspects_were_found()
