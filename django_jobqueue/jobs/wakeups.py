"""Waking idle workers once a transaction has put jobs before them."""

from collections.abc import Callable, Iterable
from threading import Lock
from weakref import WeakKeyDictionary

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from django_jobqueue.core.clock import monotonic
from django_jobqueue.store import JobStore

#: More queues than this are forgotten: the worst that follows is a wake-up too many.
_REMEMBERED_QUEUES = 1_000

#: So many wake-ups of a quiet queue are saved.
BURST = 10


class _Commit:
    """What is enqueued for one commit, which wakes each queue once."""

    def __init__(self) -> None:
        self._woken: set[str] = set()

    @property
    def is_over(self) -> bool:
        return bool(self._woken)

    def take(self, queues: Iterable[str]) -> list[str]:
        """Return those that were not taken before."""
        new = [queue for queue in queues if queue not in self._woken]
        self._woken.update(new)
        return new


class WakeUps:
    """Sends one wake-up per queue in each `debounce` seconds on average, after the commit: up to
    ten that a quiet queue did not need are saved, so that jobs which come now and then have one
    for each commit.

    What is left out loses nothing: a worker that was woken as often keeps looking for a while, and
    every worker polls.
    """

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        #: What each connection is to commit next, or has committed last.
        self._commits: WeakKeyDictionary[BaseDatabaseWrapper, _Commit] = WeakKeyDictionary()
        #: By store and queue, when all wake-ups are saved again.
        self._back_at: dict[tuple[str, str], float] = {}

    def send_after_commit(self, queues: Iterable[str], *, store: JobStore, debounce: float) -> None:
        """Wake the listeners of `queues` once the current transaction commits, or now outside one.

        A wake-up that cannot be sent is logged by Django and hurts nobody: the jobs are committed.
        """
        if store.supports_notify:
            wanted, commit = tuple(queues), self._commit_to_come(store.using)

            def wake() -> None:  # Django's report of a failure asks for a __qualname__
                self.send(commit.take(wanted), store=store, debounce=debounce)

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

    def _commit_to_come(self, using: str) -> _Commit:
        connection = transaction.get_connection(using)
        with self._lock:
            commit = self._commits.get(connection)
            # One that was rolled back is left for the next: nothing of it was told.
            if commit is None or commit.is_over:
                commit = self._commits[connection] = _Commit()
            return commit

    def _takes(self, using: str, queue: str, debounce: float) -> bool:
        """Spend a wake-up of a token bucket, if there is one; it is kept as a moment."""
        if (back_at := self._after_spending(using, queue, debounce)) is None:
            return False
        if len(self._back_at) > _REMEMBERED_QUEUES:
            self._back_at.clear()
        self._back_at[using, queue] = back_at
        return True

    def _after_spending(self, using: str, queue: str, debounce: float) -> float | None:
        """When all would be saved again once one is spent now; None if none is left."""
        now = self._clock()
        back_at = max(now, self._back_at.get((using, queue), now))
        if back_at - now > (BURST + 1) * debounce:
            back_at = now  # the setting was a larger one
        # Half of one is enough: sums of fractions of seconds are not exact.
        return None if back_at - now > (BURST - 0.5) * debounce else back_at + debounce


#: The wake-ups of this process.
wakeups = WakeUps()
