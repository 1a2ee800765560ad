"""Claims within limits: pick and lock jobs, lock their limits, count, and only then claim.

Job rows are locked first and never waited for, limits in one order; what is counted is counted in a
later statement than the lock. So two claims never both count "2 of 3".
"""

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar
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
from .limit_rows import LimitRowsStore, Named, NoRow, Usages, as_json, freed_by
from .meanwhile import Meanwhile, nothing

Answer = TypeVar("Answer")

#: How often one claim looks again behind jobs that it had to block, or to leave.
ROUNDS = 10


class Ended(msgspec.Struct, frozen=True):
    """The ids whose finish was written, what the locks were answered, and the queues in which jobs
    became ready that had waited for these: to be told once it is committed.
    """

    held: set[int]
    locked: Sequence[list[Row]]
    readied: Sequence[str] = ()


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

    def finish_and_lock(
        self,
        finished: Sequence[FinishedJob],
        locking: Sequence[Named],
        *,
        worker_id: UUID,
        meanwhile: Meanwhile,
    ) -> Ended:
        """Finish jobs of the worker, which nobody declares dead until it is written; then lock
        limits.
        """
        meanwhile()
        return Ended(self.finish_many(finished), self.run_all(locking))

    def looked(self, grants: Grants, *, met_limits: bool) -> None:
        """Told what came of a look at everything, and whether any job of it was under a limit."""

    def found_nothing(self) -> None:
        """Told that a look at everything saw no job."""

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
        asked = [each for each in wanted if each.limit > 0]
        return self._claim_rounds(_Round(worker_id, token, asked, limits, total, now))

    def _claim_rounds(self, one: "_Round") -> list[ClaimedJob]:
        claimed: list[ClaimedJob] = []
        for _ in range(ROUNDS):
            if not one.asked or one.total <= 0:
                break
            try:
                jobs, grants = self._with_rows_to_lock(partial(self._claim_round, one))
            except _NothingPicked:
                self.found_nothing()
                break
            claimed += jobs
            if not grants.may_hide_others:
                break
            one = one.after(jobs, grants)
        return claimed

    def _with_rows_to_lock(self, attempt: Callable[[], Answer]) -> Answer:
        while True:
            try:
                with self.claiming():
                    return attempt()
            except NoRow as missing:
                # Apart from the claim: added while others are locked, two claims could deadlock.
                with self.claiming():
                    self.run("add_limits", {"limits": as_json(missing.rows)})

    def _claim_round(self, one: "_Round") -> tuple[list[ClaimedJob], Grants]:
        if not (candidates := self._candidates(one)):
            raise _NothingPicked
        declared: dict[LimitName, Limit | None] = {}
        for candidate in candidates:
            declared.update(candidate.limits(one.limits))
        usages, clock = self.lock_limits(declared, one.limits, one.now)
        claimed, grants = self._claim_granted(one, candidates, usages, clock)
        self.looked(grants, met_limits=bool(declared))
        return claimed, grants

    def _candidates(self, one: "_Round") -> list[Candidate]:
        if saturated := one.limits.saturated():
            one.limits.passed_over()
        rows = self.pick(
            one.worker_id, wanted=one.looks_at, saturated=saturated, total=one.total, now=one.now
        )
        return [Candidate(*row) for row in rows]

    def _claim_granted(
        self, one: "_Round", candidates: Sequence[Candidate], usages: Usages, clock: datetime
    ) -> tuple[list[ClaimedJob], Grants]:
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
        meanwhile: Meanwhile = nothing,
    ) -> tuple[set[int], list[ClaimedJob]]:
        """What ends, and what takes its permits, are one transaction where that can be had: a
        permit is idle for as long as one commit takes.
        """
        one = _Round(worker_id, token, [each for each in wanted if each.limit > 0], limits, total)
        freed = freed_by(finished, limits)
        if not freed:
            meanwhile()
            held = self.finish_many(finished) if finished else set()
            return held, self._claim_rounds(one)
        with self.claiming():
            done = self._exchange_round(one, finished, freed, meanwhile)
        self.notify(done.readied)
        if done.was_partial or done.grants.may_hide_others:
            done.claimed += self._claim_rounds(one.after(done.claimed, done.grants))
        return done.held, done.claimed

    def _exchange_round(
        self,
        one: "_Round",
        finished: Sequence[FinishedJob],
        freed: Sequence[LimitName],
        meanwhile: Meanwhile,
    ) -> "_Exchanged":
        """Claims nothing under other limits than those that are locked for what ends: taken in two
        steps, locks are in no order.
        """
        locking = self.locking(freed, None)
        ended = self.finish_and_lock(
            finished, locking, worker_id=one.worker_id, meanwhile=meanwhile
        )
        usages, clock = self.usages_of(ended.locked, dict.fromkeys(freed), one.limits)
        readied = {*ended.readied, *self.unblock_under(usages, clock).queues}
        if not one.asked or one.total <= 0:
            return _Exchanged(ended.held, sorted(readied))
        candidates = self._candidates(one)
        limits_of = [each.limits(one.limits) for each in candidates]
        mine = [
            each
            for each, limits in zip(candidates, limits_of, strict=True)
            if _is_under(usages, limits)
        ]
        claimed, grants = self._claim_granted(one, mine, usages, clock)
        if candidates:
            self.looked(grants, met_limits=any(limits_of))
        # Whoever serves the others is woken; of these queues it is this worker.
        readied -= {job.queue for job in claimed}.difference(ended.readied)
        was_partial = len(mine) < len(candidates)
        return _Exchanged(ended.held, sorted(readied), claimed, grants, was_partial)


def _is_under(usages: Usages, limits: Sequence[tuple[LimitName, Limit]]) -> bool:
    """Whether these limits are locked, and as they are declared."""
    return all(name in usages and usages[name].holds_for(limit) for name, limit in limits)


class _Exchanged(msgspec.Struct):
    """What came of one exchange; `was_partial`: jobs were left that may be claimed in a round."""

    held: set[int]
    readied: Sequence[str]
    claimed: list[ClaimedJob] = []
    grants: Grants = msgspec.field(default_factory=Grants)
    was_partial: bool = False


class _NothingPicked(Exception):
    """Rolls back a look in vain: the commit of its lock would wait for the disk."""


class _Round(msgspec.Struct, frozen=True):
    """One look of a claim."""

    worker_id: UUID
    token: UUID
    asked: Sequence[WantedJobs]
    limits: Limits
    total: int
    now: datetime | None = None
    is_behind_refused: bool = (
        False  #: the one before was refused jobs by other limits than a queue's
    )

    @property
    def looks_at(self) -> list[WantedJobs]:
        """No more jobs of a queue than may run of it at once, so that there is room for others; but
        for those that stand behind any number of others which may not run.
        """
        if self.is_behind_refused:
            return list(self.asked)
        looks = []
        for one in self.asked:
            limit = self.limits.queues.get(one.queue)
            if limit is not None and limit.max_running is not None:
                one = msgspec.structs.replace(one, limit=min(one.limit, limit.max_running))
            looks.append(one)
        return looks

    def after(self, claimed: Sequence[ClaimedJob], grants: Grants) -> "_Round":
        """Return what is still to be asked for."""
        left = [
            each
            for each in still_wanted(self.asked, claimed)
            if each.queue not in grants.full_queues
        ]
        return msgspec.structs.replace(
            self,
            asked=left,
            limits=self.limits.after(grants),
            total=self.total - len(claimed),
            is_behind_refused=bool(grants.blocked or grants.full_handlers),
        )


def still_wanted(wanted: Sequence[WantedJobs], claimed: Sequence[ClaimedJob]) -> list[WantedJobs]:
    """Return what is left to ask for."""
    taken = Counter(job.queue for job in claimed)
    return [
        msgspec.structs.replace(each, limit=each.limit - taken[each.queue])
        for each in wanted
        if each.limit > taken[each.queue]
    ]
