"""The heartbeat: one row renewed, whatever this worker runs."""

import threading
from collections.abc import Callable
from datetime import timedelta

import msgspec

from django_jobqueue.core.specs import WorkerIdentity
from django_jobqueue.events import EventBus
from django_jobqueue.service import ServiceTaskKind, StopReceiver, TickingTask
from django_jobqueue.store import JobStore

from .hands import InHand
from .membership import Membership


class Heartbeat(TickingTask):
    """Registers the worker, renews its lease, and passes on what was asked of it.

    It goes on while the pump drains, so that nothing in hand is taken away meanwhile. A worker that
    was declared dead loses all it holds and registers anew under another id. `on_stop_requested` is
    called once when an operator asked the worker to stop.
    """

    id = "heartbeat"
    kind = ServiceTaskKind.TASK

    def __init__(
        self,
        *,
        store: JobStore,
        membership: Membership,
        in_hand: InHand,
        identity: WorkerIdentity,
        interval: timedelta,
        lease: timedelta,
        drained: threading.Event,
        on_stop_requested: Callable[[], None],
        events: EventBus,
    ) -> None:
        super().__init__(interval=interval.total_seconds(), backoff=0.1, max_backoff=2.0)
        self._store, self._membership, self._in_hand = store, membership, in_hand
        self._identity, self._lease, self._events = identity, lease, events
        self._reconcile_after = 2 * interval
        self._drained, self._on_stop_requested = drained, on_stop_requested
        self._registered = False

    def run(self, stop: StopReceiver) -> None:
        try:
            super().run(stop)
            pause = 0.0
            while not self._drained.wait(pause):
                pause = self.round()
            self._say_good_bye()
        finally:
            self._store.close()

    def tick(self) -> float | None:
        if not self._registered:
            self._register()
            return None
        asked_at = self._membership.moment()
        beat = self._store.heartbeat(
            self._membership.worker_id,
            lease=self._lease,
            in_hand=self._in_hand.claims,
            reconcile_after=self._reconcile_after,
        )
        if not beat.alive:
            self._start_over()
            return 0.0
        self._membership.renewed(asked_at)
        self._in_hand.request_cancel(beat.cancel_requested)
        if beat.released:
            self._events.emit("worker.reconciled", job_ids=beat.released)
        if beat.stop_requested:
            self._on_stop_requested()
        return None

    def _register(self) -> None:
        asked_at = self._membership.moment()
        identity = msgspec.structs.replace(self._identity, id=self._membership.worker_id)
        try:
            self._store.register_worker(identity, lease=self._lease)
        except Exception:
            # It may have been committed all the same; nobody ever registers under one id twice.
            self._membership.replaced()
            raise
        self._registered = True
        self._membership.renewed(asked_at)
        self._events.emit("worker.registered", worker=identity)

    def _say_good_bye(self) -> None:
        try:
            self._store.deregister_worker(self._membership.worker_id)
        except Exception as error:
            # The lease will lapse instead; a stop that was asked for is no failure.
            self._events.emit("worker.left_silently", error=error)

    def _start_over(self) -> None:
        """Declared dead: what was in hand belongs to others now, and the old identity never comes
        back.
        """
        lost = self._in_hand.lose_leases()
        self._events.emit("worker.declared_dead", worker_id=self._membership.worker_id, lost=lost)
        self._membership.replaced()
        self._registered = False
