"""The rows of limits: locked in one order, and then counted; and the jobs that they block."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from django_jobqueue.core.limits import (
    SWEEP,
    Candidate,
    Limit,
    LimitKind,
    LimitName,
    Limits,
    LimitsInForce,
    QueueSettings,
    Unblocked,
    Usage,
)
from django_jobqueue.core.specs import FinishedJob

from .connected import Row
from .orm import OrmStore

#: No promoter looks more often for a rate that lets another job start.
SHORTEST_LOOK_SECONDS = 0.05

Usages = Mapping[LimitName, Usage]
#: A statement's name, and its parameters.
Named = tuple[str, Mapping[str, object]]


class LimitRowsStore(OrmStore):
    """What is counted is counted in a later statement than the lock, whose snapshot sees what the
    holder before has committed.
    """

    def run_all(self, named: Sequence[Named]) -> list[list[Row]]:
        """Run several, in one round trip where that can be had; each sees what was committed while
        the one before waited for a lock.
        """
        return [self.run(name, parameters) for name, parameters in named]

    def limits_in_force(self, *, keys: bool = True) -> LimitsInForce:
        return self.limits_of(self.run("limits_in_force", {"keys": keys}))

    @staticmethod
    def limits_of(rows: Iterable[Row]) -> LimitsInForce:
        """Read what the look for limits answered."""
        queues, handlers, has_keys = {}, {}, False
        for kind, name, concurrency, most, rate, burst, backoff in rows:
            limit = Limit(max_running=most, rate=rate, rate_burst=burst)
            if kind == LimitKind.QUEUE:
                queues[name] = QueueSettings(concurrency=concurrency, limit=limit, backoff=backoff)
            elif kind == LimitKind.HANDLER:
                handlers[name] = limit
            else:
                has_keys = True
        return LimitsInForce(queues=queues, handlers=handlers, has_keys=has_keys)

    def lock_limits(
        self, declared: Mapping[LimitName, Limit | None], known: Limits, now: datetime | None
    ) -> tuple[dict[LimitName, Usage], datetime]:
        """Lock the row of each limit, and count what runs under those that bound it.

        Without a declaration, what the row says holds; nothing without a row.
        """
        if not declared:
            return {}, _NEVER
        return self.usages_of(self.run_all(self.locking(declared, now)), declared, known)

    def locking(self, names: Iterable[LimitName], now: datetime | None) -> list[Named]:
        """Return what locks the rows of these limits, and then counts what runs."""
        asked = {"limits": as_json([_named(name) for name in names]), "now": self._time(now)}
        return [("lock_limits", asked), ("running_of_limits", {})]

    def usages_of(
        self,
        answers: Sequence[list[Row]],
        declared: Mapping[LimitName, Limit | None],
        known: Limits,
    ) -> tuple[dict[LimitName, Usage], datetime]:
        """Read what `locking` was answered; NoRow for a declared limit that has none."""
        rows, running = answers
        usages, clock = {}, _NEVER
        for kind, text, most, rate, burst, is_set, next_at, at in rows:
            name, clock = LimitName(LimitKind(kind), text), self.aware(at)
            written = Limit(max_running=most, rate=rate, rate_burst=burst)
            limit = declared[name]
            if limit is None or is_set:
                limit = written
            usages[name] = Usage(
                limit,
                next_at=self.aware_or_none(next_at),
                is_changed=limit != written,
                is_set=bool(is_set),
            )
        missing = {name: limit for name, limit in declared.items() if name not in usages}
        if any(limit is not None for limit in missing.values()):
            rows_to_add = [_described(name, limit or Limit()) for name, limit in missing.items()]
            raise NoRow(sorted(rows_to_add, key=lambda row: (row["kind"], row["name"])))
        usages |= {name: Usage(Limit()) for name in missing}
        _count(running, usages, known)
        return usages, clock

    def write_limits(self, usages: Usages) -> None:
        changed = [
            {**_described(name, usage.limit), "next_at": self._time(usage.next_at)}
            for name, usage in usages.items()
            if usage.is_changed
        ]
        if changed:
            self.run("write_limits", {"limits": as_json(changed)})

    def _time(self, moment: datetime | None) -> str | None:
        return None if moment is None else self.time_text(moment)

    # Blocked jobs.

    def unblock(
        self,
        freed: Collection[LimitName] | None = None,
        *,
        now: datetime | None = None,
    ) -> Unblocked:
        # What was freed is locked whether it blocks anything that can be seen or not: a claim that
        # holds the lock may be about to block a job because of what has just ended.
        blocking = sorted(self._blocking() if freed is None else freed)
        found = []
        for start in range(0, len(blocking), SWEEP):
            some = blocking[start : start + SWEEP]
            with self.claiming():
                found.append(self._unblock(dict.fromkeys(some), now))
        due = [one.next_due_seconds for one in found if one.next_due_seconds is not None]
        return Unblocked(
            queues=tuple(sorted({queue for one in found for queue in one.queues})),
            count=sum(one.count for one in found),
            next_due_seconds=min(due, default=None),
            rated=tuple(name for one in found for name in one.rated),
        )

    def _blocking(self) -> list[LimitName]:
        return [LimitName.parse(text) for (text,) in self.run("blocking_limits", {})]

    def _unblock(self, names: Mapping[LimitName, None], now: datetime | None) -> Unblocked:
        return self.unblock_under(*self.lock_limits(names, Limits(), now))

    def unblock_under(self, usages: Usages, clock: datetime) -> Unblocked:
        """Make as many ready as these limits, which are locked, let start now."""
        queues: list[str] = []
        due: dict[LimitName, float] = {}
        for name, usage in usages.items():
            if name.kind is LimitKind.QUEUE:  # which blocks nothing: it leaves what it refuses
                continue
            if room := usage.room(clock):
                rows = self.run("unblock", {"blocked_by": str(name), "limit": room})
                queues += [queue for (queue,) in rows]
            if usage.limit.rate is not None:
                soon = usage.due_in(clock) or usage.spacing
                due[name] = max(SHORTEST_LOOK_SECONDS, soon)
        return Unblocked(
            queues=tuple(set(queues)),
            count=len(queues),
            next_due_seconds=min(due.values(), default=None),
            rated=tuple(due),
        )


def freed_by(finished: Iterable[FinishedJob], known: Limits) -> list[LimitName]:
    """Return the limits under which one job less runs."""
    jobs = (done.job for done in finished)
    kinds = {(job.queue, job.handler, job.concurrency_key) for job in jobs}
    alike = [Candidate(0, queue, handler, key, None) for queue, handler, key in kinds]
    return sorted({name for one in alike for name, _ in one.limits(known)})


def _count(running: Iterable[Row], usages: Usages, known: Limits) -> None:
    for queue, handler, key, count in running:
        names = [
            LimitName(LimitKind.QUEUE, queue),
            LimitName(LimitKind.HANDLER, known.own_name(handler)),
        ]
        if key is not None:
            names.append(LimitName(LimitKind.KEY, key))
        for name in names:
            if (usage := usages.get(name)) is not None:
                usage.running += count


class NoRow(Exception):
    """Rolls back a claim that has no rows to lock for some of its limits."""

    def __init__(self, rows: Collection[Mapping[str, object]]) -> None:
        super().__init__(rows)
        self.rows = rows


_NEVER = datetime.min.replace(tzinfo=UTC)


def as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _named(name: LimitName) -> dict[str, object]:
    return {"kind": name.kind.value, "name": name.name}


def _described(name: LimitName, limit: Limit) -> dict[str, object]:
    return {**_named(name), **msgspec.structs.asdict(limit)}
