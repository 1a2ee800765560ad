"""One identity, kept alive: registered, renewed, and given up when others declared it dead."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from django_jobqueue.core.specs import Beat, WorkerIdentity
from django_jobqueue.events import EventBus
from django_jobqueue.store import Claims, JobStore

from .membership import Membership
from .sweeps import Sweeps

#: After so many heartbeats, what nobody knows to be in hand is given back.
RECONCILE_INTERVALS = 2
#: A look at all that a worker has ever run is worth little, and there may be thousands of workers.
SWEEP_SHARE, LONGEST_PAUSE = 0.005, 60.0


class Holder(Protocol):
    """Who claims and runs jobs under the lease."""

    @property
    def claims_age(self) -> timedelta:
        """How long ago what `claims` says was true."""
        ...

    def claims(self) -> Claims: ...

    def request_cancel(self, job_ids: Iterable[int]) -> object: ...

    def lose_leases(self) -> int: ...


class Lease:
    """The row of one worker. `identity` lacks the id, which is that of `membership`.

    Claims that nobody knows to be in hand are looked for from where the last heartbeat ended, as
    dead index entries lie before that beside an old snapshot; and all, as often as `Sweeps` grants.
    """

    def __init__(
        self,
        holder: Holder,
        *,
        membership: Membership,
        store: JobStore,
        identity: WorkerIdentity,
        interval: timedelta,
        lease: timedelta,
        events: EventBus,
    ) -> None:
        self._holder, self._membership, self._store = holder, membership, store
        self._identity, self._lease, self._events = identity, lease, events
        self._reconcile_after = RECONCILE_INTERVALS * interval
        self._is_registered = False
        self._looked_up_to: datetime | None = None
        self._sweeps = Sweeps(
            elapsed=membership.moment, share=SWEEP_SHARE, longest_pause=LONGEST_PAUSE
        )
        self.stop_requested = False  #: an operator asked for it

    def renew(self) -> bool:
        """Register, or renew what is registered; False if it was declared dead meanwhile.

        Then everything in hand is lost, and the next call registers another identity: the old one
        never comes back.
        """
        if not self._is_registered:
            self._register()
            return True
        asked_at = self._membership.moment()
        beat = self._beat()
        if not beat.alive:
            self._start_over()
            return False
        self._membership.renewed(asked_at)
        self._holder.request_cancel(beat.cancel_requested)
        if beat.released:
            self._events.emit("worker.reconciled", job_ids=beat.released)
        self.stop_requested = beat.stop_requested
        return True

    def _beat(self) -> Beat:
        is_sweep = self._sweeps.may_begin()
        beat = self._store.heartbeat(
            self._membership.worker_id,
            lease=self._lease,
            in_hand=self._holder.claims,
            reconcile_after=self._reconcile_after + self._holder.claims_age,
            since=None if is_sweep else self._looked_up_to,
        )
        if is_sweep:
            self._sweeps.ended()
        self._looked_up_to = beat.up_to
        return beat

    def say_good_bye(self) -> None:
        """Mark the worker stopped; where that fails, its lease lapses."""
        try:
            self._store.deregister_worker(self._membership.worker_id)
        except Exception as error:
            # A stop that was asked for is no failure.
            self._events.emit("worker.left_silently", error=error)

    def _register(self) -> None:
        asked_at = self._membership.moment()
        identity = msgspec.structs.replace(self._identity, id=self._membership.worker_id)
        try:
            self._store.register_worker(identity, lease=self._lease)
        except Exception:
            # It may have been committed all the same; nobody ever registers under one id twice.
            self._membership.replaced()
            raise
        self._is_registered = True
        self._membership.renewed(asked_at)
        self._events.emit("worker.registered", worker=identity)

    def _start_over(self) -> None:
        lost = self._holder.lose_leases()
        self._events.emit("worker.declared_dead", worker_id=self._membership.worker_id, lost=lost)
        self._membership.replaced()
        self._is_registered = False
