"""Claiming and finishing on PostgreSQL, one by itself or both in one round trip."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django_jobqueue.core.limits import Grants, LimitKind, LimitName, Limits
from django_jobqueue.core.specs import ClaimedJob, FinishedJob, WantedJobs

from .ahead import Ahead
from .base import OVERTIME, TellLimits
from .limit_rows import freed_by
from .limited import still_wanted
from .meanwhile import Meanwhile, nothing
from .postgresql_claims import ClaimStatements, claimed_of, in_line
from .postgresql_server import PostgreSQLServer
from .postgresql_workers import statement
from .sessions import DjangoSession, Row, Session, Statement


class PostgreSQLExchanges(PostgreSQLServer):
    """The claims of one pump, which remember whether the last ones met a limit."""

    def __init__(
        self,
        using: str,
        *,
        session: Session | None = None,
        suspects: bool = False,
        overtime: timedelta = OVERTIME,
    ) -> None:
        session = session or DjangoSession(using)
        super().__init__(using, session=session, suspects=suspects, overtime=overtime)
        self._statements = ClaimStatements(suspects=suspects, overtime=overtime)
        self._ahead = Ahead()

    def claim(
        self,
        *,
        worker_id: UUID,
        token: UUID,
        wanted: Sequence[WantedJobs],
        total: int,
        limits: Limits | None = None,
        now: datetime | None = None,
    ) -> list[ClaimedJob]:
        if not wanted or total <= 0:
            return []
        if limits is not None:
            return self.claim_within(
                limits, worker_id=worker_id, token=token, wanted=wanted, total=total, now=now
            )
        statement = self._statements.claim(worker_id, token, wanted=wanted, total=total, now=now)
        return in_line(claimed_of(self.session.rows(*statement), worker_id, token), wanted)

    def pick(
        self,
        worker_id: UUID,
        *,
        wanted: Sequence[WantedJobs],
        saturated: Sequence[str],
        total: int,
        now: datetime | None,
    ) -> list[Row]:
        statement = self._statements.pick(
            worker_id, wanted=wanted, saturated=saturated, total=total, now=now
        )
        return self.session.rows(*statement)

    def claim_picked(
        self, ids: Sequence[int], *, worker_id: UUID, token: UUID, now: datetime | None
    ) -> list[ClaimedJob]:
        statement = self._statements.claim_picked(ids, worker_id=worker_id, token=token, now=now)
        return claimed_of(self.session.rows(*statement), worker_id, token)

    def looked(self, grants: Grants, *, met_limits: bool) -> None:
        self._ahead.looked(grants, met_limits=met_limits)

    def found_nothing(self) -> None:
        self._ahead.found_nothing()

    def finish_many(self, finished: Sequence[FinishedJob]) -> set[int]:
        with self.settling(finished) as settlement:
            return settlement.write(finished) if finished else set()

    def finish_and_claim(
        self,
        finished: Sequence[FinishedJob],
        *,
        worker_id: UUID,
        token: UUID,
        wanted: Sequence[WantedJobs],
        total: int,
        limits: Limits | None = None,
        in_force: TellLimits | None = None,
        meanwhile: Meanwhile = nothing,
    ) -> tuple[set[int], list[ClaimedJob]]:
        facts: Any = {"worker_id": worker_id, "token": token}
        if limits is not None:
            facts |= {"wanted": wanted, "total": total, "meanwhile": meanwhile}
            return self._exchange_within(limits, finished, **facts)
        claims = bool(wanted) and total > 0
        claim = self._statements.claim(**facts, wanted=wanted, total=total) if claims else None
        return self._finish_beside(
            finished, claim, wanted=wanted, in_force=in_force, meanwhile=meanwhile, **facts
        )

    def _exchange_within(
        self,
        limits: Limits,
        finished: Sequence[FinishedJob],
        *,
        wanted: Sequence[WantedJobs],
        total: int,
        meanwhile: Meanwhile,
        **under: Any,
    ) -> tuple[set[int], list[ClaimedJob]]:
        facts: Any = {**under, "total": total}
        freed = freed_by(finished, limits)
        # A queue's limit blocks no job that would have to be let go on first.
        may_go_ahead = total > 0 and all(name.kind is LimitKind.QUEUE for name in freed)
        ahead = self._ahead.of(wanted, limits) if may_go_ahead else []
        if not ahead:
            return self.finish_and_claim_within(
                limits, finished, **facts, wanted=wanted, meanwhile=meanwhile
            )
        claim = self._statements.claim(**facts, wanted=ahead, limited=list(limits.handlers))
        held, claimed = self._finish_beside(
            finished, claim, wanted=ahead, meanwhile=meanwhile, **under
        )
        self._ahead.claimed(len(claimed), of=total)
        if len(claimed) < total:
            claimed += self._claim_rest(limits, claimed, freed=freed, wanted=wanted, **facts)
        return held, claimed

    def _claim_rest(
        self,
        limits: Limits,
        claimed: Sequence[ClaimedJob],
        *,
        freed: Sequence[LimitName],
        wanted: Sequence[WantedJobs],
        total: int,
        **under: Any,
    ) -> list[ClaimedJob]:
        """Look at what was not ahead of every limit. What is claimed waits for that only where it
        may have the permits that were freed: nobody else would be told of them.
        """
        rest = still_wanted(wanted, claimed)
        queues = [one.queue for one in rest]
        if not claimed or not {name.name for name in freed}.isdisjoint(queues):
            try:
                return self.claim_within(limits, wanted=rest, total=total - len(claimed), **under)
            except Exception:
                # What is claimed is committed: the next exchange meets what is wrong.
                if not claimed:
                    raise
        limits.left_behind(queues)
        return []

    def _finish_beside(
        self,
        finished: Sequence[FinishedJob],
        claim: Statement | None,
        *,
        wanted: Sequence[WantedJobs],
        in_force: TellLimits | None = None,
        meanwhile: Meanwhile = nothing,
        **under: UUID,
    ) -> tuple[set[int], list[ClaimedJob]]:
        """Run the claim and the statements that end jobs, in one round trip; that asks for limits,
        too, if they are to be told.
        """
        # The claim goes first: a reaper locks the worker's row and then its jobs, so must we.
        first = [] if claim is None else [claim]
        if in_force is not None:
            first.insert(0, (statement("limits_in_force"), {"keys": True}))
        answers, held = list[list[Row]](), set[int]()
        if finished:
            with self.settling(finished) as settlement:
                statements = [*first, *settlement.statements(finished)]
                answers = self.session.together(statements, meanwhile=meanwhile)
                held = settlement.settle_rest(finished, answers[len(first) :])
        elif first:
            answers = self.session.together(first, meanwhile=meanwhile)
        else:
            meanwhile()
        if in_force is not None:
            in_force(self.limits_of(answers[0]))
        if claim is None:
            return held, []
        return held, in_line(claimed_of(answers[len(first) - 1], **under), wanted)
