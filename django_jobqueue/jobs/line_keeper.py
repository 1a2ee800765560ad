"""The cluster-wide lines that this process holds, and the thread that keeps their leases alive."""

import logging
from collections.abc import Collection
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import transaction

from django_jobqueue import conf
from django_jobqueue.core.clock import monotonic
from django_jobqueue.memory.holds import Hold
from django_jobqueue.memory.waiting import Moment
from django_jobqueue.service.threads import service_thread

from .site import site_store

logger = logging.getLogger("django_jobqueue.lines")

#: A lease survives two renewals that fail.
RENEWALS_PER_LEASE = 3
RETRY_SECONDS = 1.0


class ClusterHold(Hold):
    """A line that this process holds, by a row with its token."""

    def __init__(self, name: str, token: UUID, *, valid_until: float, keeper: "LineKeeper") -> None:
        self.name, self.token = name, token
        #: By the clock of this process; counted from before the row was written, so never too late.
        self.valid_until = valid_until
        self.over = Moment()
        self._keeper = keeper

    @property
    def is_lost(self) -> bool:
        return self.over.has_come or monotonic() >= self.valid_until

    def release(self) -> None:
        self._keeper.release(self)

    async def arelease(self) -> None:
        await sync_to_async(self.release, thread_sensitive=True)()

    def drop(self) -> None:
        if not self.over.has_come:
            self._keeper.drop(self)


class LineKeeper:
    """Renews the lease of every hold in one statement, and frees what was dropped.

    Its thread lives while something is held. A hold whose row is another's by now is told that it
    is lost; one that cannot be renewed in time says so by itself.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._holds: dict[UUID, ClusterHold] = {}
        # A destructor may put something in while the same thread does: that is what it is made for.
        self._dropped: SimpleQueue[ClusterHold | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._renew_at = 0.0

    @property
    def holds(self) -> Collection[ClusterHold]:
        """What this process holds."""
        with self._lock:
            return tuple(self._holds.values())

    def find(self, token: UUID) -> ClusterHold | None:
        """Return the hold of that token, if it is this process that has it."""
        return self._holds.get(token)

    def add(self, hold: ClusterHold) -> None:
        """Keep the lease of a hold alive from now on."""
        with self._lock:
            if self._thread is None:
                self._renew_at = monotonic() + _renewal_seconds()
                thread = service_thread("lines", self._run)
                thread.start()
                self._thread = thread
            self._holds[hold.token] = hold

    def release(self, hold: ClusterHold) -> None:
        """Free the line now; where the caller has a transaction open, from the thread."""
        if has_transaction(site_store().using):
            self.drop(hold)  # in the transaction, nobody would see it before the commit
        elif self._forget(hold):
            self._free(hold)

    def drop(self, hold: ClusterHold) -> None:
        """Let the thread free the line; needs no lock and no database."""
        self._dropped.put(hold)

    def renew(self) -> None:
        """Renew every lease; the thread does so three times in the length of a lease."""
        holds, lease = self.holds, conf.current().lease
        asked_at = monotonic()
        try:
            held = site_store().renew_lines([hold.token for hold in holds], lease=lease)
        except Exception:
            self._renew_at = asked_at + min(RETRY_SECONDS, _renewal_seconds())
            logger.exception("the leases of %d lines could not be renewed", len(holds))
            return
        self._renew_at = asked_at + _renewal_seconds()
        for hold in holds:
            if hold.token in held:
                hold.valid_until = asked_at + lease.total_seconds()
            elif self._forget(hold):
                logger.warning("the line %r was lost: somebody else holds it by now", hold.name)
                hold.over.come()

    def join(self, timeout: float) -> bool:
        """Wait until the thread has ended, which it does once nothing is held."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return self._thread is None

    def _run(self) -> None:
        while self._is_needed():
            try:
                self._turn()
            except Exception:
                logger.exception("the keeper of lines goes on after an error")

    def _turn(self) -> None:
        """Wait until something was dropped or the leases are due, and see to it."""
        try:
            dropped = self._dropped.get(timeout=max(0.0, self._renew_at - monotonic()))
        except Empty:
            self.renew()
        else:
            if dropped is None or not self._forget(dropped):
                return  # only to look whether there is anything left to do
            self._free(dropped)
        transaction.get_connection(site_store().using).close()

    def _is_needed(self) -> bool:
        with self._lock:
            if self._holds or not self._dropped.empty():
                return True
            self._thread = None
            return False

    def _forget(self, hold: ClusterHold) -> bool:
        """Renew it no more; False if that was so already."""
        with self._lock:
            was_kept = self._holds.pop(hold.token, None) is not None
            if not self._holds:
                self._dropped.put(None)
        return was_kept

    def _free(self, hold: ClusterHold) -> None:
        try:
            if not site_store().release_line(hold.name, hold.token):
                logger.warning("the line %r was lost before it was released", hold.name)
        except Exception:
            logger.exception("the line %r is free only when its lease runs out", hold.name)
        finally:
            hold.over.come()


def has_transaction(using: str) -> bool:
    """Whether a transaction is open, besides the one in which a TestCase runs its test."""
    if not transaction.get_connection(using).in_atomic_block:
        return False
    try:
        with transaction.atomic(using=using, durable=True):
            return False
    except RuntimeError:
        return True


def _renewal_seconds() -> float:
    return conf.current().lease.total_seconds() / RENEWALS_PER_LEASE


#: The lines that this process holds.
keeper = LineKeeper()
