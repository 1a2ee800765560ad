"""Snapshots that others hold for long, so that finished jobs cannot be vacuumed."""

from collections.abc import Callable
from datetime import timedelta

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.health import SNAPSHOT_AGE, HeldSnapshot
from django_jobqueue.events import EventBus
from django_jobqueue.store import JobStore

#: The same one keeps all three while it holds its snapshot.
Holder = tuple[str, int | None, str]


class SnapshotWatch:
    """Tells once of each holder whose snapshot is older than `max_age`. Where the database does not
    say how old it is, what counts is how long it has been seen here.
    """

    #: How often to look, however often it is asked to.
    LOOK_SECONDS = 60.0

    def __init__(
        self,
        *,
        store: JobStore,
        events: EventBus,
        max_age: timedelta = SNAPSHOT_AGE,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._store, self._events, self._elapsed = store, events, elapsed
        self._max_age = max_age.total_seconds()
        self._next_look = float("-inf")
        self._holder: Holder | None = None
        self._seen_at = 0.0
        self._is_told = False

    def look(self) -> None:
        """Where it is time, look who holds the oldest snapshot."""
        now = self._elapsed()
        if now < self._next_look:
            return
        self._next_look = now + self.LOOK_SECONDS
        held = self._store.held_snapshot()
        holder = (held.kind, held.pid, held.xmin) if held else None
        if holder != self._holder:
            self._holder, self._seen_at, self._is_told = holder, now, False
        if held is not None and not self._is_told:
            self._judge(held, age=max(held.age or 0.0, now - self._seen_at))

    def _judge(self, held: HeldSnapshot, *, age: float) -> None:
        if age > self._max_age:
            self._is_told = True
            self._events.emit(
                "database.snapshot_held",
                kind=held.kind,
                pid=held.pid,
                held_by=held.name,
                state=held.state,
                seconds=round(age),
                query=held.query,
            )
