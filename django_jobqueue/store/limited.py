"""Claims within limits: pick and lock jobs, lock their limits, count, and only then claim.

Job rows are locked first and never waited for, limits in one order; what is counted is counted in a
later statement than the lock. So two claims never both count "2 of 3".
"""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from django_jobqueue.core.limits import (
    SWEEP,
    Candidate,
    Grants,
    Limit,
    LimitKind,
    LimitName,
    Limits,
    LimitsInForce,
    QueueSettings,
    Unblocked,
    Usage,
    grant,
)
from django_jobqueue.core.specs import ClaimedJob, FinishedJob, WantedJobs

from .connected import Row
from .orm import OrmStore

#: How often one claim looks again behind jobs that it had to block, or to leave.
ROUNDS = 10
#: No promoter looks more often for a rate that lets another job start.
SHORTEST_LOOK_SECONDS = 0.05

Usages = Mapping[LimitName, Usage]


class LimitedStore(OrmStore):
    """What is decided is decided by `core.limits`; here it is read and written."""

    @abstractmethod
    def run(self, name: str, parameters: Mapping[str, object]) -> list[Row]:
        """Run the vendor's statement of that name on the connection that claims."""

    @abstractmethod
    def claiming(self) -> AbstractContextManager[object]:
        """Open a transaction on that connection."""

    @abstractmethod
    def pick(
        self, worker_id: UUID, *, wanted: str, saturated: str, total: int, now: datetime | None
    ) -> list[Row]:
        """Return the candidates, locked; `wanted` and `saturated` are JSON."""

    @abstractmethod
    def claim_picked(
        self, ids: Sequence[int], *, worker_id: UUID, token: UUID, now: datetime | None
    ) -> list[ClaimedJob]:
        """Claim these jobs, which are picked, in no order."""

    def limits_in_force(self) -> LimitsInForce:
        queues, handlers, has_keys = {}, {}, False
        for kind, name, concurrency, most, rate, burst, backoff in self.run("limits_in_force", {}):
            limit = Limit(max_running=most, rate=rate, rate_burst=burst)
            if kind == LimitKind.QUEUE:
                queues[name] = QueueSettings(concurrency=concurrency, limit=limit, backoff=backoff)
            elif kind == LimitKind.HANDLER:
                handlers[name] = limit
            else:
                has_keys = True
        return LimitsInForce(queues=queues, handlers=handlers, has_keys=has_keys)

    def claim_within(
        self,
        limits: Limits,
        *,
        worker_id: UUID,
        token: UUID,
        wanted: Sequence[WantedJobs],
        total: int,
        now: datetime | None = None,
    ) -> list[ClaimedJob]:
        """Claim what the limits allow; block what that of a handler or a key refuses."""
        claimed: list[ClaimedJob] = []
        left = {one.queue: one.limit for one in wanted}
        for _ in range(ROUNDS):
            asked = [{"queue": name, "free": free} for name, free in left.items() if free > 0]
            room = total - len(claimed)
            if not asked or room <= 0:
                break
            one = _Round(worker_id, token, asked, limits, room, now)
            jobs, grants = self._with_rows_to_lock(one)
            claimed += jobs
            if not grants.may_hide_others:
                break
            limits = limits.after(grants)
            for job in jobs:
                left[job.queue] -= 1
            left.update(dict.fromkeys(grants.full_queues, 0))
        return claimed

    def _with_rows_to_lock(self, one: "_Round") -> tuple[list[ClaimedJob], Grants]:
        while True:
            try:
                with self.claiming():
                    return self._claim_round(one)
            except _NoRow as missing:
                # Apart from the claim: added while others are locked, two claims could deadlock.
                with self.claiming():
                    self.run("add_limits", {"limits": _json(missing.rows)})

    def _claim_round(self, one: "_Round") -> tuple[list[ClaimedJob], Grants]:
        asked = [{"place": place, **ask} for place, ask in enumerate(one.asked)]
        rows = self.pick(
            one.worker_id,
            wanted=_json(asked),
            saturated=_json(one.limits.saturated()),
            total=one.total,
            now=one.now,
        )
        candidates = [Candidate(*row) for row in rows]
        declared: dict[LimitName, Limit | None] = {}
        for candidate in candidates:
            declared.update(candidate.limits(one.limits))
        usages, clock = self._lock(declared, one.limits, one.now)
        grants = grant(candidates, known=one.limits, usages=usages, now=clock)
        self._write_limits(usages)
        if grants.blocked:
            blocked = [
                {"id": job_id, "blocked_by": str(name)} for job_id, name in grants.blocked.items()
            ]
            self.run("block", {"blocked": _json(blocked)})
        if not grants.claimed:
            return [], grants
        claimed = self.claim_picked(
            grants.claimed, worker_id=one.worker_id, token=one.token, now=one.now
        )
        place = {job_id: position for position, job_id in enumerate(grants.claimed)}
        return sorted(claimed, key=lambda job: place[job.id]), grants

    def finish_and_claim_within(
        self,
        limits: Limits,
        finished: Sequence[FinishedJob],
        *,
        worker_id: UUID,
        token: UUID,
        wanted: Sequence[WantedJobs],
        total: int,
    ) -> tuple[set[int], list[ClaimedJob]]:
        """Finish first, and in a transaction of its own: a claim counts what others can see."""
        held = self.finish_many(finished) if finished else set()
        if freed := self.freed_by(finished, limits):
            self.unblock(freed)
        claimed = self.claim_within(
            limits, worker_id=worker_id, token=token, wanted=wanted, total=total
        )
        return held, claimed

    # The rows of the limits.

    def _lock(
        self, declared: Mapping[LimitName, Limit | None], known: Limits, now: datetime | None
    ) -> tuple[dict[LimitName, Usage], datetime]:
        """Lock the row of each limit, and count what runs under those that bound it.

        Without a declaration, what the row says holds; nothing without a row.
        """
        if not declared:
            return {}, _NEVER
        rows = self.run(
            "lock_limits",
            {"limits": _json([_named(name) for name in declared]), "now": self._time(now)},
        )
        usages, clock = {}, _NEVER
        for kind, text, most, rate, burst, is_set, next_at, at in rows:
            name, clock = LimitName(LimitKind(kind), text), self.aware(at)
            written = Limit(max_running=most, rate=rate, rate_burst=burst)
            limit = declared[name]
            if limit is None or is_set:
                limit = written
            usages[name] = Usage(
                limit, next_at=self.aware_or_none(next_at), is_changed=limit != written
            )
        missing = {name: limit for name, limit in declared.items() if name not in usages}
        if any(limit is not None for limit in missing.values()):
            rows_to_add = [_described(name, limit or Limit()) for name, limit in missing.items()]
            raise _NoRow(sorted(rows_to_add, key=lambda row: (row["kind"], row["name"])))
        usages |= {name: Usage(Limit()) for name in missing}
        if any(usage.limit.max_running is not None for usage in usages.values()):
            self._count_running(usages, known)
        return usages, clock

    def _count_running(self, usages: Usages, known: Limits) -> None:
        for queue, handler, key, count in self.run("running_of_limits", {}):
            names = [
                LimitName(LimitKind.QUEUE, queue),
                LimitName(LimitKind.HANDLER, known.own_name(handler)),
            ]
            if key is not None:
                names.append(LimitName(LimitKind.KEY, key))
            for name in names:
                if (usage := usages.get(name)) is not None:
                    usage.running += count

    def _write_limits(self, usages: Usages) -> None:
        changed = [
            {**_described(name, usage.limit), "next_at": self._time(usage.next_at)}
            for name, usage in usages.items()
            if usage.is_changed
        ]
        if changed:
            self.run("write_limits", {"limits": _json(changed)})

    def _time(self, moment: datetime | None) -> str | None:
        return None if moment is None else self.time_text(moment)

    # Blocked jobs.

    def freed_by(self, finished: Iterable[FinishedJob], limits: Limits) -> set[LimitName]:
        """Return the limits under which one job less runs now, and that block the jobs they
        refuse.
        """
        return {
            name
            for job in (done.job for done in finished)
            for name, _ in Candidate(
                job.id, job.queue, job.handler, job.concurrency_key, None
            ).limits(limits)
            if name.kind is not LimitKind.QUEUE
        }

    def unblock(
        self,
        freed: Collection[LimitName] | None = None,
        *,
        now: datetime | None = None,
    ) -> Unblocked:
        rows = self.run("blocking_limits", {})
        blocking = sorted(LimitName.parse(text) for (text,) in rows)
        if freed is not None:
            blocking = [name for name in blocking if name in freed]
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
        )

    def _unblock(self, names: Mapping[LimitName, None], now: datetime | None) -> Unblocked:
        usages, clock = self._lock(names, Limits(), now)
        queues: list[str] = []
        due: list[float] = []
        for name, usage in usages.items():
            if room := usage.room(clock):
                rows = self.run("unblock", {"blocked_by": str(name), "limit": room})
                queues += [queue for (queue,) in rows]
            if usage.limit.rate is not None:
                soon = usage.due_in(clock) or usage.spacing
                due.append(max(SHORTEST_LOOK_SECONDS, soon))
        return Unblocked(
            queues=tuple(set(queues)), count=len(queues), next_due_seconds=min(due, default=None)
        )


class _Round(msgspec.Struct, frozen=True):
    """One look of a claim."""

    worker_id: UUID
    token: UUID
    asked: Sequence[Mapping[str, object]]
    limits: Limits
    total: int
    now: datetime | None


class _NoRow(Exception):
    """Rolls back a claim that has no rows to lock for some of its limits."""

    def __init__(self, rows: Collection[Mapping[str, object]]) -> None:
        super().__init__(rows)
        self.rows = rows


_NEVER = datetime.min.replace(tzinfo=UTC)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _named(name: LimitName) -> dict[str, object]:
    return {"kind": name.kind.value, "name": name.name}


def _described(name: LimitName, limit: Limit) -> dict[str, object]:
    return {**_named(name), **msgspec.structs.asdict(limit)}
