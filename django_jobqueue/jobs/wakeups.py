"""Waking idle workers once a transaction has put jobs before them."""

from collections.abc import Callable, Iterable
from threading import Lock

from django.db import transaction

from django_jobqueue.core.clock import monotonic
from django_jobqueue.store import JobStore

#: More queues than this are forgotten: the worst that follows is a wake-up too many.
_REMEMBERED_QUEUES = 1_000


#: So many wake-ups of a quiet queue are saved.
BURST = 10


class WakeUps:
    """Sends one wake-up per queue in each `debounce` seconds on average, after the commit: up to
    ten that a quiet queue did not need are saved, so that jobs which come now and then have one
    each, a tenth of `debounce` apart at least.

    What is left out loses nothing: a worker that was just woken keeps looking for a while, and
    every worker polls.
    """

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        #: By store and queue, when the last one was sent, and when all are saved again.
        self._sent: dict[tuple[str, str], tuple[float, float]] = {}

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
        """Wake the listeners of those queues that have a wake-up left."""
        with self._lock:
            wanted = [queue for queue in queues if self._takes(store.using, queue, debounce)]
        if wanted:
            store.notify(wanted)

    def has_one(self, queue: str, *, store: JobStore, debounce: float) -> bool:
        """Whether this queue has a wake-up left, for the caller to send."""
        with self._lock:
            return self._after_spending(store.using, queue, debounce) is not None

    def spend(self, queue: str, *, store: JobStore, debounce: float) -> None:
        """The caller has sent one."""
        with self._lock:
            self._takes(store.using, queue, debounce)

    def _takes(self, using: str, queue: str, debounce: float) -> bool:
        """Spend a wake-up of a token bucket, if there is one; it is kept as a moment."""
        if (spent := self._after_spending(using, queue, debounce)) is None:
            return False
        if len(self._sent) > _REMEMBERED_QUEUES:
            self._sent.clear()
        self._sent[using, queue] = spent
        return True

    def _after_spending(
        self, using: str, queue: str, debounce: float
    ) -> tuple[float, float] | None:
        """What would be known of the queue once one is spent now; None if none is left."""
        now = self._clock()
        last, back_at = self._sent.get((using, queue), (float("-inf"), now))
        back_at = min(back_at, now + BURST * debounce)  # the setting may have been a larger one
        if now - last < debounce / BURST or back_at - now > (BURST - 1) * debounce:
            return None
        return now, max(now, back_at) + debounce


#: The wake-ups of this process.
wakeups = WakeUps()
