"""Claims within limits: pick and lock jobs, lock their limits, count, and only then claim.

Job rows are locked first and never waited for, limits in one order; what is counted is counted in a
later statement than the lock. So two claims never both count "2 of 3".
"""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from django_jobqueue.core.limits import (
    Candidate,
    Grants,
    Limit,
    LimitName,
    Limits,
    grant,
)
from django_jobqueue.core.specs import ClaimedJob, FinishedJob, WantedJobs

from .connected import Row
from .limit_rows import LimitRowsStore, NoRow, as_json

#: How often one claim looks again behind jobs that it had to block, or to leave.
ROUNDS = 10


class LimitedStore(LimitRowsStore):
    """What is decided is decided by `core.limits`; here it is read and written."""

    @abstractmethod
    def pick(
        self,
        worker_id: UUID,
        *,
        wanted: Sequence[WantedJobs],
        saturated: Sequence[str],
        total: int,
        now: datetime | None,
    ) -> list[Row]:
        """Return the candidates, locked."""

    @abstractmethod
    def claim_picked(
        self, ids: Sequence[int], *, worker_id: UUID, token: UUID, now: datetime | None
    ) -> list[ClaimedJob]:
        """Claim these jobs, which are picked, in no order."""

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
            asked = [WantedJobs(name, free) for name, free in left.items() if free > 0]
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
            except NoRow as missing:
                # Apart from the claim: added while others are locked, two claims could deadlock.
                with self.claiming():
                    self.run("add_limits", {"limits": as_json(missing.rows)})

    def _claim_round(self, one: "_Round") -> tuple[list[ClaimedJob], Grants]:
        rows = self.pick(
            one.worker_id,
            wanted=one.asked,
            saturated=one.limits.saturated(),
            total=one.total,
            now=one.now,
        )
        candidates = [Candidate(*row) for row in rows]
        declared: dict[LimitName, Limit | None] = {}
        for candidate in candidates:
            declared.update(candidate.limits(one.limits))
        usages, clock = self.lock_limits(declared, one.limits, one.now)
        grants = grant(candidates, known=one.limits, usages=usages, now=clock)
        self.write_limits(usages)
        if grants.blocked:
            blocked = [
                {"id": job_id, "blocked_by": str(name)} for job_id, name in grants.blocked.items()
            ]
            self.run("block", {"blocked": as_json(blocked)})
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


class _Round(msgspec.Struct, frozen=True):
    """One look of a claim."""

    worker_id: UUID
    token: UUID
    asked: Sequence[WantedJobs]
    limits: Limits
    total: int
    now: datetime | None
