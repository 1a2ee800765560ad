"""The part of a worker that has child processes: the supervisor, and the heartbeats of all."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from django.conf import ENVIRONMENT_VARIABLE

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.errors import InvalidSettings
from django_jobqueue.service import ServiceTask
from django_jobqueue.store import JobStore

from .children import ChildProcess
from .heartbeat import Heartbeats
from .lease import Holder, Lease
from .marks import StartedMarks
from .membership import Membership
from .messages import Begin
from .options import WorkerOptions
from .quarantine import QUARANTINE, Quarantine
from .spawning import names_settings
from .supervisor import Supervisor

#: How many suspects run side by side at least; with more children, as many as there are.
LEAST_QUARANTINE = 2
#: How long before the end of the service children are killed that did not stop.
KILL_SECONDS = 2.0


class LeaseMaker(Protocol):
    """Makes the lease of one process, on the connection of `store`."""

    def __call__(
        self, holder: Holder, membership: Membership, *, store: JobStore, pid: int
    ) -> Lease: ...


class Supervising:
    """Makes both, and starts each child with what it has to know.

    `host` is told when the heartbeats of all children are well, `polling` when one looks for jobs,
    `wake` when jobs of a child that died are ready again, `rescheduled` when a job waits for a time
    that may come soon, and `empty`, where the worker is to end then, while children
    find nothing due and no job is suspect.
    """

    def __init__(
        self,
        conf: JobQueueSettings,
        options: WorkerOptions,
        *,
        store: JobStore,
        host: Membership,
        lease_for: LeaseMaker,
        polling: Callable[[], None],
        wake: Callable[[], None],
        rescheduled: Callable[[], None],
        empty: Callable[[], None],
        stop: Callable[[], None],
        stop_seconds: float,
    ) -> None:
        if not names_settings():
            raise InvalidSettings(
                f"child processes load the settings that {ENVIRONMENT_VARIABLE} names, and it is "
                "not set: set it, or run everything in one process with --processes 0"
            )
        self._conf, self._options, self._lease_for = conf, options, lease_for
        self._polling, self._rescheduled = polling, rescheduled
        # Both threads always talk to the database: each has a connection of its own.
        self._heartbeat_store = store.dedicated(prepared=conf.prepared_statements)
        self.supervisor = self._make_supervisor(store, wake=wake, empty=empty, seconds=stop_seconds)
        self._heartbeats = self._make_heartbeats(host=host, stop=stop)

    def tasks(self) -> list[ServiceTask]:
        """Return the service tasks, in the order of their registration."""
        return [self.supervisor, self._heartbeats]

    def wake(self, queue: str | None = None) -> None:
        """There may be work, in this queue if one is named."""
        self.supervisor.wake_pumps(queue)

    def hurry(self) -> None:
        """Have what still runs given back at once."""
        self.supervisor.hurry()

    def _make_supervisor(
        self,
        store: JobStore,
        *,
        wake: Callable[[], None],
        empty: Callable[[], None],
        seconds: float,
    ) -> Supervisor:
        options = self._options
        own_store = store.dedicated(prepared=self._conf.prepared_statements, suspects=True)
        return Supervisor(
            places=[str(number) for number in range(1, options.processes + 1)],
            start=self._start,
            quarantine=Quarantine(
                most=max(LEAST_QUARANTINE, options.processes) if options.quarantine else 0,
                store=own_store,
                serves=options.serves,
            ),
            store=own_store,
            wake=wake,
            # It may claim nothing before it is registered.
            has_started=lambda: self._heartbeats.wake(),
            events=options.events,
            stop_seconds=seconds - KILL_SECONDS,
            until_empty=options.until_empty,
            on_empty=empty,
        )

    def _make_heartbeats(self, *, host: Membership, stop: Callable[[], None]) -> Heartbeats:
        return Heartbeats(
            lambda: self.supervisor.children,
            host=host,
            store=self._heartbeat_store,
            interval=self._conf.heartbeat_interval,
            drained=self.supervisor.ended,
            on_stop_requested=stop,
        )

    def _start(self, name: str, changed: Callable[[], None]) -> ChildProcess:
        slots = (self._conf.concurrency, self._conf.async_concurrency)
        marks = StartedMarks.create(slots=sum(slots))
        membership = Membership(lease=self._conf.lease)
        return ChildProcess(
            name,
            self._begin(marks, in_quarantine=name.startswith(QUARANTINE)),
            marks=marks,
            membership=membership,
            lease_for=lambda child: self._lease_for(
                child, membership, store=self._heartbeat_store, pid=child.pid
            ),
            is_polling=self._polling,
            changed=changed,
            rescheduled=self._rescheduled,
            counted=self._options.figures.add,
        )

    def _begin(self, marks: StartedMarks, *, in_quarantine: bool) -> Begin:
        conf, options, recycling = self._conf, self._options, self._options.recycling
        return Begin(
            settings_module=os.environ[ENVIRONMENT_VARIABLE],
            concurrency=1 if in_quarantine else conf.concurrency,
            async_concurrency=1 if in_quarantine else conf.async_concurrency,
            queues=list(options.queues),
            strict=options.strict,
            until_empty=options.until_empty,
            suspects=in_quarantine,
            max_jobs=recycling.jobs,
            max_memory_bytes=recycling.memory_bytes,
            max_age_seconds=_seconds(recycling.age),
            marks_fileno=marks.fileno,
            marks_slots=marks.slots,
            python_path=os.environ.get("PYTHONPATH"),
        )


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
