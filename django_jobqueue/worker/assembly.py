"""The map of a worker: every part is made here, or in the halves that it is made of, and handed to
the others; the only reader of settings.
"""

import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
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
from .ending import end_within
from .heartbeat import Heartbeat
from .hygiene import close_connections
from .lease import Holder, Lease
from .marks import NO_MARKS
from .membership import Membership
from .options import AFTER_DRAIN_SECONDS, WorkerOptions
from .preconditions import DatabaseIsReady
from .probes import probing
from .pump import Pump
from .quarantine import QUARANTINE
from .reload import Reload, source_files
from .services import make_services
from .spawning import names_settings
from .standing import Claimer, Standing, ThisProcess, standing_of
from .supervising import Supervising
from .systemd import SystemdNotify

#: How long a duty waits for a database that does not answer.
CONNECT_SECONDS = 3
#: What a process may take that was told to end by a second signal.
AT_ONCE_SECONDS = 1.7
NOBODY = UUID(int=0)


class Worker:
    """A service that claims and runs jobs, with a stop of its own.

    `polling` is set once jobs are looked for. `hurry` has what still runs given back at once,
    before or after the stop; `was_hurried` says that it was, here or by a signal. `pump` is the one
    of this process, if it has one; `abandoned` says whether handlers were still running there at
    the end.
    """

    def __init__(
        self,
        service: Service,
        *,
        stop: StopSender,
        polling: threading.Event,
        hurry: Callable[[], None],
        was_hurried: Callable[[], bool] = lambda: False,
        pump: Pump | None = None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._service, self._stop, self.polling = service, stop, polling
        self.pump, self.hurry, self._close = pump, hurry, close
        self._was_hurried = was_hurried

    @property
    def abandoned(self) -> bool:
        return self.pump is not None and self.pump.abandoned

    @property
    def was_hurried(self) -> bool:
        return self._was_hurried()

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
        self.health, self._hurried = HealthRegistry(), threading.Event()
        #: Of this host, whose heartbeats say whether it may declare others dead.
        self.membership = Membership(lease=conf.lease)
        self.shutdown_seconds = conf.drain.total_seconds() + AFTER_DRAIN_SECONDS
        self.duties = HostDuties(
            conf,
            store=self.store,
            membership=self.membership,
            serves=options.serves,
            wake=self._wake,
            suspects_wait=self._look_for_suspects,
            registry=options.registry,
            events=options.events,
        )
        self.claiming = None if options.processes else self._claiming()
        has_quarantine = options.quarantine and names_settings()
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
            was_hurried=self._hurried.is_set,
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
            ear=self.claiming is None,
        )
        if self.options.handles_signals:
            tasks += self._of_a_command()
        if self.options.probes and (address := self.conf.probes) is not None:
            tasks += probing(address, look=self._standing, events=self.options.events)
        tasks += make_services(self.conf.services, beside=tasks)
        return Service(
            tasks,
            shutdown_timeout=self.shutdown_seconds,
            hook_timeout=self.conf.shutdown_timeout.total_seconds(),
            health=self.health,
            after_thread=close_connections,
            around_run=self._around_task,
        )

    @contextmanager
    def _around_task(self, stop: StopReceiver) -> Iterator[None]:
        # Once the worker is to stop, no task waits for its turn at the database any more; and none
        # waits long for one that is not there.
        with (
            self.store.pausing_with(stop.wait),
            self.store.connecting_within(CONNECT_SECONDS),
        ):
            yield

    def _of_a_command(self) -> list[ServiceTask]:
        """What a process has that is nothing but this worker."""
        tasks: list[ServiceTask] = [SignalTask(on_second_signal=lambda _: self._leave_at_once())]
        systemd = SystemdNotify.from_environment(
            os.environ, polling=self.polling, is_well=self.membership.may_claim
        )
        if systemd is not None:
            tasks.append(systemd)
        if self.options.reload:
            tasks.append(Reload(snapshot=source_files(), changed=self._reload))
        return tasks

    def _claiming(self) -> Claiming:
        return Claiming(
            self.conf,
            self.options,
            store=self.store,
            membership=self.membership,
            marks=NO_MARKS,
            rescheduled=self.duties.poller.wake,
            others_are_idle=self._has_no_suspects,
            hearing=None if self.options.until_empty else self.duties.hearing,
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
            rescheduled=self.duties.poller.wake,
            # Beside a pump, it is the pump that finds nothing any more, and ends the worker.
            empty=self.claiming.pump.wake if self.claiming else self.stop.send,
            stop=self.stop.send,
            stop_seconds=self.shutdown_seconds,
        )

    def _precondition(self) -> DatabaseIsReady:
        options, drains = self.options, self.options.until_empty
        return DatabaseIsReady(
            self.conf.database,
            timeout=timedelta(0) if drains else self.conf.precondition_timeout,
            events=options.events,
            # What drains what is due must not end before the jobs of due slots are there.
            at_ready=partial(self.duties.before_claims, fires=drains and options.scheduler),
        )

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
        if (mine := self.claiming) is not None:
            is_polling, in_hand = mine.pump.polling.is_set(), len(mine.in_hand)
            return [ThisProcess(self.membership, is_polling=is_polling, in_hand=in_hand)]
        children = self.supervising.supervisor.children if self.supervising else []
        return [one for one in children if not (one.name.startswith(QUARANTINE) or one.has_ended)]

    # What the parts tell each other.

    def _has_no_suspects(self) -> bool:
        return self.supervising is None or self.supervising.supervisor.is_idle

    def _wake(self, queue: str | None = None) -> None:
        if self.claiming is not None:
            self.claiming.pump.wake(queue)
        if self.supervising is not None:
            self.supervising.wake(queue)

    def _leave_at_once(self) -> None:
        """Hurry, and let nothing keep the process, not even a database that does not answer."""
        end_within(AT_ONCE_SECONDS, status=1, why="some tasks did not end and were given up")
        self._hurry()

    def _hurry(self) -> None:
        self._hurried.set()
        if self.claiming is not None:
            self.claiming.pump.hurry()
        if self.supervising is not None:
            self.supervising.hurry()

    def _reload(self, files: Sequence[str]) -> None:
        self.options.events.emit("worker.reloads", files=files)
        if self.supervising is not None:
            self.supervising.supervisor.replace_children("source files have changed")

    def _look_for_suspects(self) -> None:
        if self.supervising is not None:
            self.supervising.supervisor.suspects_were_found()
