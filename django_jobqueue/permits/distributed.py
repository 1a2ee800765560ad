"""What a worker knows of the limits across workers, and of those that are set at run time."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.limits import HandlerLimits, Limits, LimitsInForce
from django_jobqueue.core.specs import WantedJobs
from django_jobqueue.store import JobStore

from .local import rooms

#: The handlers that have limits, each with all of its names.
Declared = Iterable[tuple[HandlerLimits, Sequence[str]]]


class KnownLimits:
    """Looked up anew every `refresh_seconds`; the claim itself reads what it locks.

    `declared` tells what the code says of handlers, `running` the queue and the handler's own name
    of each job that this process has in hand. Where nothing is limited, a claim is given nothing.
    """

    def __init__(
        self,
        store: JobStore,
        *,
        declared: Callable[[], Declared],
        running: Callable[[], Iterable[tuple[str, str]]],
        refresh_seconds: float = 1.0,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._store, self._declared, self._running = store, declared, running
        self._refresh_seconds, self._elapsed = refresh_seconds, elapsed
        self._refreshed_at: float | None = None
        self._limits: Limits | None = None
        self.in_force = LimitsInForce()

    def refresh(self) -> None:
        """Ask the database, if it was not asked lately."""
        now = self._elapsed()
        if self._refreshed_at is None or now - self._refreshed_at >= self._refresh_seconds:
            self._refreshed_at = now
            self.in_force = self._store.limits_in_force()
            self._limits = self._put_together()

    def limits(
        self,
        *,
        limited_room: int,
        refused: Callable[[float], object],
        passed_over: Callable[[], object] = lambda: None,
    ) -> Limits | None:
        """Return what a claim has to keep to; None where nothing is limited."""
        if self._limits is None:
            return None
        concurrency = {
            one.name: one.concurrency
            for one in self._limits.handlers.values()
            if one.concurrency is not None
        }
        running = (handler for _, handler in self._running()) if concurrency else ()
        return msgspec.structs.replace(
            self._limits,
            rooms=rooms(concurrency, running),
            limited_room=limited_room,
            refused=refused,
            passed_over=passed_over,
        )

    def within_queues(self, wanted: Sequence[WantedJobs]) -> list[WantedJobs]:
        """Return what may be asked of the queues: less, or nothing, of those this process may only
        run so many of.
        """
        concurrency = {
            name: queue.concurrency
            for name, queue in self.in_force.queues.items()
            if queue.concurrency is not None
        }
        if not concurrency:
            return list(wanted)
        left = rooms(concurrency, (queue for queue, _ in self._running()))
        bounded = [
            WantedJobs(one.queue, min(one.limit, left.get(one.queue, one.limit))) for one in wanted
        ]
        return [one for one in bounded if one.limit > 0]

    def backoff_of_queue(self, queue: str) -> str | None:
        """Return the JSON text of the backoff that is set for a queue."""
        settings = self.in_force.queues.get(queue)
        return None if settings is None else settings.backoff

    def is_limited(self, *, queue: str, handler: str, key: str | None) -> bool:
        """Whether a job takes permits that other workers wait for."""
        if self._limits is None:
            return False
        declared = self._limits.handlers.get(handler)
        return (
            key is not None
            or queue in self._limits.queues
            or (declared is not None and declared.limit.says_anything)
        )

    def _put_together(self) -> Limits | None:
        set_now = self.in_force.handlers
        handlers = {name: HandlerLimits(name=name, limit=limit) for name, limit in set_now.items()}
        for one, names in self._declared():
            limit = set_now.get(one.name, one.limit)
            handlers |= dict.fromkeys(names, msgspec.structs.replace(one, limit=limit))
        queues = {
            name: queue.limit
            for name, queue in self.in_force.queues.items()
            if queue.limit.says_anything
        }
        if not (handlers or queues or self.in_force.has_keys):
            return None
        return Limits(handlers=handlers, queues=queues)
