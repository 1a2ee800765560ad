"""Which queues a worker claims from, and in which order."""

from collections.abc import Callable, Iterable, Sequence

from django_jobqueue.core.clock import monotonic
from django_jobqueue.store import JobStore


class ServedQueues:
    """The worker's list of queues; without one, every queue that has ready jobs.

    The list rotates from look to look, so that no queue starves another; with `strict` it is an
    order of precedence. Without a list, names are looked up whenever the worker has nothing to do,
    and at least every `refresh_seconds`. `freeing` tells the queues in which the
    next exchange may ready jobs before it claims.
    """

    def __init__(
        self,
        store: JobStore,
        *,
        configured: Sequence[str] = (),
        strict: bool = False,
        freeing: Callable[[], Iterable[str]] = tuple,
        refresh_seconds: float = 1.0,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._store, self._configured, self._strict = store, tuple(configured), strict
        self._freeing = freeing
        self._refresh_seconds, self._elapsed = refresh_seconds, elapsed
        self._known: list[str] = list(configured)
        self._looked_up_at: float | None = None
        self._turn = 0

    def names(self, *, fresh: bool) -> list[str]:
        """Return the queues to ask, in order; `fresh` looks up once more which have ready jobs."""
        freed: set[str] = set() if self._configured else set(self._freeing())
        if not self._configured and ((fresh and not freed) or self._is_stale()):
            self._known = self._store.queues_with_ready_jobs()
            self._looked_up_at = self._elapsed()
        names = [*self._known, *sorted(freed.difference(self._known))]
        if self._strict or len(names) < 2:
            return names
        self._turn = (self._turn + 1) % len(names)
        return names[self._turn :] + names[: self._turn]

    def _is_stale(self) -> bool:
        return (
            self._looked_up_at is None
            or self._elapsed() - self._looked_up_at >= self._refresh_seconds
        )
