"""Which queues a worker claims from, and in which order."""

from collections.abc import Callable, Iterable, Sequence

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.specs import WantedJobs
from django_jobqueue.store import JobStore

from .sweeps import Sweeps


class ServedQueues:
    """The worker's list of queues; without one, every queue that has ready jobs.

    The list rotates from look to look, so that no queue starves another; with `strict` it is an
    order of precedence. Without a list, names are looked up whenever the worker has nothing to do,
    and at least every `refresh_seconds`. `freeing` tells the queues in which the
    next exchange may ready jobs before it claims. Where `known` tells how far queues have moved,
    jobs that lie further back are looked for only as often as `Sweeps` grants it.
    """

    def __init__(
        self,
        store: JobStore,
        *,
        configured: Sequence[str] = (),
        strict: bool = False,
        freeing: Callable[[], Iterable[str]] = tuple,
        known: Callable[[], Sequence[WantedJobs]] = tuple,
        refresh_seconds: float = 1.0,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._store, self._configured, self._strict = store, tuple(configured), strict
        self._freeing, self._heads, self._sweeps = freeing, known, Sweeps(elapsed=elapsed)
        self._refresh_seconds, self._elapsed = refresh_seconds, elapsed
        self._known: list[str] = list(configured)
        self._looked_up_at: float | None = None
        self._turn = 0
        self._told: set[str] = set()
        self._is_unsure = self._put_off = False
        self.has_swept = True  #: whether the last look for queues passed nothing over

    def tell(self, queue: str | None) -> None:
        """There may be jobs in this queue, or nobody knows in which; from any thread."""
        if queue is None:
            self._is_unsure = True
        else:
            self._told.add(queue)

    def names(self, *, fresh: bool, hurried: bool = False) -> list[str]:
        """Return the queues to ask, in order; `fresh` looks up once more which have ready jobs,
        `hurried` where somebody waits for what is new. Who was told of a queue asks it, and
        looks others up the next time.
        """
        # A name that comes amid this may be lost; who told it asks for a look, at all queues then.
        told, self._told = self._told, set()
        if self._configured:
            return self._in_turn(self._known)
        freed = set(self._freeing())
        if (fresh and not freed) or self._is_stale():
            if told and not (self._put_off or self._is_unsure):
                self._put_off, self.has_swept = True, False
            else:
                self._look_up(hurried=hurried)
        return self._in_turn([*self._known, *sorted((freed | told).difference(self._known))])

    def _in_turn(self, names: list[str]) -> list[str]:
        if self._strict or len(names) < 2:
            return names
        self._turn = (self._turn + 1) % len(names)
        return names[self._turn :] + names[: self._turn]

    def _look_up(self, *, hurried: bool) -> None:
        self._is_unsure = self._put_off = False
        heads = () if self._sweeps.may_begin(hurried=hurried) else self._heads()
        self._known = self._store.queues_with_ready_jobs(heads)
        self._looked_up_at = self._elapsed()
        self.has_swept = not heads
        if self.has_swept:
            self._sweeps.ended()

    def _is_stale(self) -> bool:
        return (
            self._looked_up_at is None
            or self._elapsed() - self._looked_up_at >= self._refresh_seconds
        )
