"""How a site is doing: numbers that are cheap to have, and what somebody expects of them."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

#: Counts of what may be many stop here, and then say "as many, or more".
COUNT_LIMIT = 10_000
#: A snapshot that is held for longer is worth telling.
SNAPSHOT_AGE = timedelta(minutes=10)


def counted(count: int, *, limit: int = COUNT_LIMIT) -> str:
    """Return a count as a person reads it: "9,999", or "10,000+" where counting stopped."""
    return f"{count:,}" if count < limit else f"{limit:,}+"


class QueueHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The ready jobs of one queue; `oldest_wait` is how long the first of them has been in line, in
    seconds.
    """

    queue: str
    ready: int
    oldest_wait: float
    is_paused: bool


class HeldSnapshot(msgspec.Struct, frozen=True):
    """Who keeps the database from removing what was finished: a connection, a prepared transaction
    or a replication slot.

    `name` is the connection's application; `age` how long its transaction is open, in seconds, and
    `query` the start of its last statement. Of other database users, these and `state` are None
    unless the own one may see them. `xmin` stays the same while the snapshot is held.
    """

    kind: str
    pid: int | None
    name: str
    state: str | None
    xmin: str
    age: float | None
    query: str | None

    def __str__(self) -> str:
        pid = "" if self.pid is None else f", pid {self.pid}"
        state = f", {self.state}" if self.state else ""
        query = f": {self.query!r}" if self.query else ""
        return f"{self.kind} {self.name!r}{pid}{state}{query}"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Queues with ready jobs, or those asked for; living workers that serve any of them, and the
    age of their oldest heartbeat in seconds (None: no worker). Counts stop at `count_limit`.
    `held_snapshot` is the oldest, where it was asked for.
    """

    queues: tuple[QueueHealth, ...]
    workers: int
    oldest_heartbeat: float | None
    dead_last_hour: int
    count_limit: int
    held_snapshot: HeldSnapshot | None = None


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold for a site to be healthy; no queues means all, no limit that it is not
    judged.
    """

    queues: tuple[str, ...] = ()
    max_age: timedelta | None = None
    max_backlog: int | None = None
    max_snapshot_age: timedelta | None = None

    @property
    def count_limit(self) -> int:
        """How far to count: past the largest backlog that is allowed."""
        return max(COUNT_LIMIT, (self.max_backlog or 0) + 1)

    def complaints(self, health: Health) -> tuple[str, ...]:
        """Return why it is not healthy, a sentence each; none if it is.

        A queue that somebody paused is not judged: its jobs wait on purpose.
        """
        found = [] if health.workers else ["no worker is alive"]
        for queue in health.queues:
            if not queue.is_paused:
                found += self._complaints_about(queue, health.count_limit)
        return (*found, *self._complaints_about_snapshot(health.held_snapshot))

    def _complaints_about_snapshot(self, held: HeldSnapshot | None) -> Iterator[str]:
        if held is None or held.age is None or self.max_snapshot_age is None:
            return
        if held.age > self.max_snapshot_age.total_seconds():
            age = f"{held.age:.0f} s"
            yield f"finished jobs cannot be vacuumed: a snapshot is held for {age} by {held}"

    def _complaints_about(self, queue: QueueHealth, count_limit: int) -> list[str]:
        found = []
        if self.max_age is not None and queue.oldest_wait > self.max_age.total_seconds():
            found.append(
                f"queue {queue.queue!r}: its first job has been ready for {queue.oldest_wait:.0f} s"
            )
        if self.max_backlog is not None and queue.ready > self.max_backlog:
            ready = counted(queue.ready, limit=count_limit)
            found.append(f"queue {queue.queue!r}: {ready} jobs are ready")
        return found


class QueueStats(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of one queue; `oldest_wait` is how long its first ready job has been in line, in
    seconds. Counts stop at `COUNT_LIMIT`: as many, or more.
    """

    queue: str
    ready: int
    scheduled: int
    blocked: int
    running: int
    dead: int
    oldest_wait: float
    finished_last_minute: int
    paused_at: datetime | None
    paused_until: datetime | None
    pause_reason: str

    @property
    def throughput(self) -> float:
        """How many jobs ended a second, over the last minute; dead letters do not count."""
        return self.finished_last_minute / 60


class Matching(msgspec.Struct, frozen=True, kw_only=True):
    """How many jobs of each kind a filter means."""

    waiting: int = 0
    running: int = 0
    archived: int = 0
    dead: int = 0
