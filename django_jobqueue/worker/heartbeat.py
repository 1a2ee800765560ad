"""The heartbeat: one row renewed for each worker, whatever it runs."""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

from django_jobqueue.service import ServiceTaskKind, StopReceiver, TickingTask
from django_jobqueue.store import JobStore
from django_jobqueue.store.transient import is_connection_lost

from .lease import Lease
from .membership import Membership


class _Heartbeat(TickingTask):
    """Goes on while others drain, until `drained`, so that nothing in hand is taken away meanwhile.

    `on_stop_requested` is called when an operator asked a worker to stop.
    """

    id = "heartbeat"
    kind = ServiceTaskKind.TASK

    def __init__(
        self,
        *,
        store: JobStore,
        interval: timedelta,
        drained: threading.Event,
        on_stop_requested: Callable[[], None],
    ) -> None:
        super().__init__(interval=interval.total_seconds(), backoff=0.1, max_backoff=2.0)
        self._store, self._drained = store, drained
        self._on_stop_requested = on_stop_requested

    def run(self, stop: StopReceiver) -> None:
        try:
            super().run(stop)
            pause = 0.0
            while not self._drained.wait(pause):
                pause = self.round()
            self._leave()
        finally:
            self._store.close()

    def _leave(self) -> None:
        """The last thing that is written."""


class Heartbeat(_Heartbeat):
    """Keeps the lease of the worker in this process, which runs handlers too."""

    def __init__(
        self,
        lease: Lease,
        *,
        store: JobStore,
        interval: timedelta,
        drained: threading.Event,
        on_stop_requested: Callable[[], None],
    ) -> None:
        super().__init__(
            store=store, interval=interval, drained=drained, on_stop_requested=on_stop_requested
        )
        self._lease = lease

    def tick(self) -> float | None:
        if not self._lease.renew():
            return 0.0
        if self._lease.stop_requested:
            self._on_stop_requested()
        return None

    def _leave(self) -> None:
        self._lease.say_good_bye()


class Leased(Protocol):
    """A child process, as far as its lease goes."""

    lease: Lease
    membership: Membership

    @property
    def has_ended(self) -> bool: ...

    def tell_renewed(self) -> None: ...


class Heartbeats(_Heartbeat):
    """Keeps the leases of all children of a supervisor; no handler of theirs can hold them up.

    `host` is told when all were renewed: only a host whose heartbeats are well may declare others
    dead. Who has ended is left to the supervisor.
    """

    id = "heartbeats"

    def __init__(
        self,
        children: Callable[[], Sequence[Leased]],
        *,
        host: Membership,
        store: JobStore,
        interval: timedelta,
        drained: threading.Event,
        on_stop_requested: Callable[[], None],
    ) -> None:
        super().__init__(
            store=store, interval=interval, drained=drained, on_stop_requested=on_stop_requested
        )
        self._children, self._host = children, host

    def tick(self) -> float | None:
        asked_at = self._host.moment()
        children = [child for child in self._children() if not child.has_ended]
        alive, errors = list[bool](), list[Exception]()
        for child in children:
            try:
                alive.append(child.lease.renew())
            except Exception as error:
                errors.append(error)  # a lock on the row of one must not cost the others theirs
                if is_connection_lost(error):
                    break  # the others would only wait for the same
            child.tell_renewed()
        if any(child.lease.stop_requested for child in children):
            self._on_stop_requested()
        if errors:
            raise errors[0]
        if children:
            self._host.renewed(asked_at)
        return None if all(alive) else 0.0
