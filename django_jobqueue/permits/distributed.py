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
#: Which share of the time may go into looks for jobs with keys, and how many seconds they are apart
#: at most: where the last one found none, and where it found some.
WITHOUT_KEYS, WITH_KEYS = (0.05, 5.0), (0.005, 60.0)


class KnownLimits:
    """Looked up anew every `refresh_seconds`; the claim itself reads what it locks.

    Whether any job has a key is asked less often beside an old snapshot, where the answer meets all
    that had one. That some have is believed for up to a minute: it only makes claims dearer.

    `declared` tells what the code says of handlers, `running` the queue and the handler's own name
    of each job that this process has in hand. Where nothing is limited, a claim is given nothing.
    """

    #: It will be time to ask once so much of the time is over.
    SOON = 0.5

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
        self._keys_not_before = float("-inf")
        self._limits: Limits | None = None
        self.in_force = LimitsInForce()

    def refresh(self) -> None:
        """Ask the database, if it was not asked lately."""
        if not self._is_older_than(self._refresh_seconds):
            return
        if self._may_ask_for_keys:
            began_at = self._elapsed()
            found = self._store.limits_in_force()
            self.learn(found, took=self._elapsed() - began_at)
        else:
            found = self._store.limits_in_force(keys=False)
            self._take(msgspec.structs.replace(found, has_keys=self.in_force.has_keys))

    @property
    def _may_ask_for_keys(self) -> bool:
        return self._elapsed() >= self._keys_not_before

    def _is_older_than(self, seconds: float) -> bool:
        at = self._refreshed_at
        return at is None or self._elapsed() - at >= seconds

    def are_asked_beside(self, *, soon: bool = False) -> bool:
        """Whether it is time to ask, or will be `soon`, and nothing was limited: then a claim that
        heeds no limit may ask in its own round trip, to let go of its jobs should there be one by
        now.
        """
        was_free = self._refreshed_at is not None and self.in_force == LimitsInForce()
        is_free = was_free and not self.limit_anything
        age = self._refresh_seconds * (self.SOON if soon else 1.0)
        return is_free and self._is_older_than(age) and self._may_ask_for_keys

    def learn(self, in_force: LimitsInForce, *, took: float) -> bool:
        """These are in force now, and asking took so many seconds; return whether a claim under
        those before would have been another. One that heeds no limit takes no job with a key.
        """
        before = self.in_force
        share, longest = WITH_KEYS if in_force.has_keys else WITHOUT_KEYS
        self._keys_not_before = self._elapsed() + min(took / share, longest)
        self._take(in_force)
        return (before.queues, before.handlers) != (in_force.queues, in_force.handlers)

    def _take(self, in_force: LimitsInForce) -> None:
        self.in_force = in_force
        self._refreshed_at = self._elapsed()
        self._limits = self._put_together()

    def limits(
        self,
        *,
        limited_room: int,
        refused: Callable[[float], object],
        passed_over: Callable[[], object] = lambda: None,
        left_behind: Callable[[Sequence[str]], object] = lambda queues: None,
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
            left_behind=left_behind,
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
        return self.in_force.backoff_of(queue)

    @property
    def limit_anything(self) -> bool:
        """Whether any job may take permits that other workers wait for."""
        return self._limits is not None

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
