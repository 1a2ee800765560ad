"""Waking idle workers once a transaction has put jobs before them."""

from collections.abc import Callable, Iterable
from threading import Lock

from django.db import transaction

from django_jobqueue.core.clock import monotonic
from django_jobqueue.store import JobStore

#: More queues than this are forgotten: the worst that follows is a wake-up too many.
_REMEMBERED_QUEUES = 1_000


class WakeUps:
    """Sends at most one wake-up per queue in each `debounce` seconds, after the commit.

    What is left out loses nothing: a worker that was just woken keeps looking for a while, and
    every worker polls.
    """

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._quiet_until: dict[tuple[str, str], float] = {}

    def send_after_commit(self, queues: Iterable[str], *, store: JobStore, debounce: float) -> None:
        """Wake the listeners of `queues` once the current transaction commits, or now outside one.

        A wake-up that cannot be sent is logged by Django and hurts nobody: the jobs are committed.
        """
        if store.supports_notify:
            wanted = tuple(queues)

            def wake() -> None:  # Django's report of a failure asks for a __qualname__
                self.send(wanted, store=store, debounce=debounce)

            transaction.on_commit(wake, using=store.using, robust=True)

    def send(self, queues: Iterable[str], *, store: JobStore, debounce: float) -> None:
        """Wake the listeners of those queues that have been quiet for long enough."""
        with self._lock:
            now = self._clock()
            wanted = [
                queue for queue in queues if self._quiet_until.get((store.using, queue), now) <= now
            ]
            if len(self._quiet_until) > _REMEMBERED_QUEUES:
                self._quiet_until.clear()
            for queue in wanted:
                self._quiet_until[store.using, queue] = now + debounce
        if wanted:
            store.notify(wanted)


#: The wake-ups of this process.
wakeups = WakeUps()
