"""The jobs that this process waits for, and the one thread that looks out for all of them."""

import logging
from collections.abc import Collection
from datetime import timedelta
from threading import Event, Lock
from uuid import uuid4

from django.db import transaction

from django_jobqueue.core.clock import monotonic
from django_jobqueue.memory.waiting import Moment
from django_jobqueue.service.threads import service_thread
from django_jobqueue.store import JobStore

from .site import site_store

logger = logging.getLogger("django_jobqueue.waiting")

#: Seconds between two looks at a job. They grow: a finish that was under way when its waiter row
#: came tells nobody, and is seen soon.
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.25
#: How long the waiter rows of a process that has died are kept.
LEASE = timedelta(seconds=60)
RENEWALS_PER_LEASE = 3
#: How long after an error those who wait are left alone.
RETRY_SECONDS = 1.0
#: How long a thread whose wait is over stays for the lookout to put its things away.
PATIENCE = 1.0


class Wait:
    """One wait for one job: over once the job lives no more, or so many of its attempts are over;
    without a number of attempts, the first alone.
    """

    def __init__(self, job_id: int, *, attempts: int | None) -> None:
        self.job_id = job_id
        self.over = Moment()
        self.look_at = 0.0
        self._attempts = attempts
        self._pause = FIRST_PAUSE

    def hear(self, attempts_over: int | None) -> None:
        """Be told how many attempts are over by now; None if the job lives no more."""
        wanted = self._attempts
        if attempts_over is None or (wanted is not None and attempts_over >= wanted):
            self.over.come()
            return
        # On a grid, so that waits that last are looked at together.
        self.look_at = (monotonic() // self._pause + 1) * self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)


class Lookout:
    """Looks out for a first wait and those added to it; with the last of them it is over for good.
    After an error too: then each comes to its end, and who waits looks for itself.

    It leaves waiter rows, listens and looks on one connection, whatever it waits for.
    """

    def __init__(self, wait: Wait, *, store: JobStore) -> None:
        self._store = store  #: for the thread alone
        self._watch = store.watch_jobs()
        self._waiter = uuid4()
        self._lock = Lock()
        self._waits = {wait}
        self._over = Event()
        self._kept: set[int] = set()  #: the jobs for which there are waiter rows
        self._renew_at = 0.0
        self._thread = service_thread("lookout", self._run)
        self._thread.start()

    def add(self, wait: Wait) -> bool:
        """Look out for one more; False if it is over, or was left in the process that forked this
        one.
        """
        with self._lock:
            if self._over.is_set() or not self._thread.is_alive():
                return False
            self._waits.add(wait)
        self._watch.wake()
        return True

    def forget(self, wait: Wait) -> None:
        """Look out for it no more."""
        with self._lock:
            self._waits.discard(wait)
            if not self._waits:
                self._over.set()
        self._watch.wake()

    def join_if_over(self) -> None:
        """Return when its connection is closed; at once while others wait."""
        if self._over.is_set():
            self._thread.join(PATIENCE)

    def _run(self) -> None:
        try:
            while waits := self._current():
                self._turn(waits)
        except Exception:
            logger.exception("an error ends the lookout: who still waits begins another")
            self._over.wait(RETRY_SECONDS)
        finally:
            self._wake_all()
            self._put_away()

    def _current(self) -> Collection[Wait]:
        """Return the waits that go on; without any, it is over."""
        with self._lock:
            self._waits = {wait for wait in self._waits if not wait.over.has_come}
            if not self._waits:
                self._over.set()
            return tuple(self._waits)

    def _turn(self, waits: Collection[Wait]) -> None:
        """Sleep until a look is due, or some job is heard of, and look."""
        ids = {wait.job_id for wait in waits}
        self._watch.start()
        self._keep_rows(ids)
        next_look = min(wait.look_at for wait in waits)
        heard = self._watch.wait(max(0.0, next_look - monotonic()), among=ids)
        now = monotonic()
        due = [wait for wait in waits if wait.job_id in heard or wait.look_at <= now]
        if due:
            live = self._store.attempts_over({wait.job_id for wait in due})
            for wait in due:
                wait.hear(live.get(wait.job_id))

    def _keep_rows(self, ids: set[int]) -> None:
        """Have waiter rows for these jobs alone. A row comes before the first look at its job."""
        now = monotonic()
        is_renewal = now >= self._renew_at
        if wanted := ids if is_renewal else ids - self._kept:
            self._store.keep_waiters(self._waiter, wanted, lease=LEASE)
            self._kept |= wanted
        if is_renewal:
            self._renew_at = now + LEASE.total_seconds() / RENEWALS_PER_LEASE
        if needless := self._kept - ids:
            self._store.drop_waiters(self._waiter, needless)
            self._kept -= needless

    def _wake_all(self) -> None:
        """Let those who still wait look for themselves."""
        with self._lock:
            self._over.set()
            waits = tuple(self._waits)
        for wait in waits:
            wait.over.come()

    def _put_away(self) -> None:
        try:
            self._keep_rows(set())
        except Exception:
            logger.warning("waiter rows are left until their lease is over", exc_info=True)
        finally:
            self._watch.close()
            self._store.close()
            transaction.get_connection(self._store.using).close()


class Lookouts:
    """The lookout of this process, which lives while somebody waits."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._latest: Lookout | None = None

    def look_out_for(self, wait: Wait) -> Lookout:
        """Return the lookout that looks out for it from now on."""
        with self._lock:
            if self._latest is None or not self._latest.add(wait):
                self._latest = Lookout(wait, store=site_store().dedicated(prepared=False))
            return self._latest

    def join_if_over(self) -> None:
        """As that of the lookout, if there was one."""
        if self._latest is not None:
            self._latest.join_if_over()


#: Who looks out for this process.
lookouts = Lookouts()
