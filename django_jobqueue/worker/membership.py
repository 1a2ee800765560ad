"""Who this worker is, and whether it may still claim."""

import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

from django_jobqueue.core.clock import monotonic


class Membership:
    """The worker's current identity and the age of its last successful heartbeat.

    A worker that was declared dead goes on under a new identity; the old one never comes back.
    Elapsed time includes suspends of the machine. Once the last heartbeat is older than four fifths
    of the lease, the lease is in doubt: the reaper may be near. Nothing is claimed or started then,
    and running handlers are told that the lease is lost, until a heartbeat succeeds.
    """

    SAFE_SHARE = 0.8

    def __init__(self, *, lease: timedelta, elapsed: Callable[[], float] = monotonic) -> None:
        self._lease_seconds = lease.total_seconds()
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._worker_id = uuid4()
        self._last_beat: float | None = None
        self._healthy_since: float | None = None

    @property
    def worker_id(self) -> UUID:
        return self._worker_id

    def moment(self) -> float:
        """Return the time that `renewed` asks for: that of the heartbeat about to be sent."""
        return self._elapsed()

    def renewed(self, asked_at: float) -> None:
        """The heartbeat that was sent at `asked_at` succeeded (registering counts).

        The lease counts from the sending: when between that and the answer the database renewed it,
        nobody knows here.
        """
        now = self._elapsed()
        with self._lock:
            if self._last_beat is None or now - self._last_beat >= self._lease_seconds:
                self._healthy_since = now
            self._last_beat = asked_at

    @property
    def renewed_at(self) -> float | None:
        """When the last heartbeat that succeeded was sent; None before the first."""
        return self._last_beat

    def adopted(self, worker_id: UUID, asked_at: float) -> None:
        """A supervisor keeps this identity, and its heartbeat of `asked_at` succeeded."""
        with self._lock:
            self._worker_id, self._last_beat = worker_id, asked_at

    def replaced(self) -> UUID:
        """This identity was declared dead: take a new one and return it."""
        with self._lock:
            self._worker_id, self._last_beat, self._healthy_since = uuid4(), None, None
            return self._worker_id

    def may_claim(self) -> bool:
        """Whether the lease is surely still ours."""
        last = self._last_beat
        return last is not None and self._elapsed() - last < self.SAFE_SHARE * self._lease_seconds

    def is_in_doubt(self) -> bool:
        """Whether others may by now run what this worker holds."""
        return not self.may_claim()

    def may_reap(self) -> bool:
        """Whether heartbeats have succeeded for a full lease without a gap.

        After an outage every living worker renews its lease before anyone is declared dead.
        """
        since = self._healthy_since
        return (
            self.may_claim()
            and since is not None
            and self._elapsed() - since >= self._lease_seconds
        )
