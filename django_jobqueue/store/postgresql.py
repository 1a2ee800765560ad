"""The store on PostgreSQL: SKIP LOCKED claims, set-based moves, COPY and NOTIFY."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from django.db import connections

from django_jobqueue.core.health import HeldSnapshot
from django_jobqueue.core.limits import Grants, Limits
from django_jobqueue.core.specs import (
    ClaimedJob,
    FinishedJob,
    NewJob,
    Promoted,
    WantedJobs,
)

from .ahead import Ahead
from .base import OVERTIME
from .limit_rows import freed_by
from .limited import still_wanted
from .postgresql_arrays import quoted_array
from .postgresql_claims import ClaimStatements, in_line
from .postgresql_copy import copy_plain_jobs
from .postgresql_finish import Settlement
from .postgresql_reads import reads_of_at_most
from .postgresql_server import PostgreSQLServer
from .postgresql_workers import statement
from .sessions import DjangoSession, PsycopgSession, Row, Session, Statement

CHANNEL = "django_jobqueue"


class PostgreSQLStore(PostgreSQLServer):
    """The production store. Without a session of its own it works on Django's connection, in the
    caller's transaction.
    """

    supports_notify = True
    supports_watermarks = True
    supports_dedicated_connection = True

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

    def dedicated(
        self, *, prepared: bool = True, suspects: bool = False, overtime: timedelta = OVERTIME
    ) -> Self:
        session = PsycopgSession(self.using, prepared=prepared)
        return type(self)(self.using, session=session, suspects=suspects, overtime=overtime)

    def close(self) -> None:
        self.session.close()

    def reach(self) -> None:
        # Not on Django's connection, which waits for as long as the network does.
        session = PsycopgSession(self.using, prepared=False)
        with self.connection.wrap_database_errors:
            session.open()
        session.close()

    @contextmanager
    def connecting_within(self, seconds: int) -> Iterator[None]:
        wrapper = connections[self.using]  # of this thread alone, its settings are shared
        shared = wrapper.settings_dict
        options = {"connect_timeout": seconds, **shared.get("OPTIONS", {})}
        wrapper.settings_dict = {**shared, "OPTIONS": options}
        try:
            yield
        finally:
            wrapper.settings_dict = shared

    def reading(self, *, at_most: timedelta) -> AbstractContextManager[object]:
        return reads_of_at_most(at_most, using=self.using)

    def held_snapshot(self) -> HeldSnapshot | None:
        rows = self.session.rows(statement("held_snapshot"), {})
        return HeldSnapshot(*rows[0]) if rows else None

    # Claiming and finishing.

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
        return in_line(self.session.rows(*statement), wanted)

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
        return [ClaimedJob(*row) for row in self.session.rows(*statement)]

    def looked(self, grants: Grants, *, met_limits: bool) -> None:
        self._ahead.looked(grants, met_limits=met_limits)

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
    ) -> tuple[set[int], list[ClaimedJob]]:
        if limits is None:
            claims = bool(wanted) and total > 0
            claim = self._statements.claim(worker_id, token, wanted=wanted, total=total)
            return self._finish_beside(finished, claim if claims else None, wanted)
        facts: Any = {"worker_id": worker_id, "token": token}
        ahead = (
            self._ahead.of(wanted, limits) if total > 0 and not freed_by(finished, limits) else []
        )
        if not ahead:
            return self.finish_and_claim_within(
                limits, finished, **facts, wanted=wanted, total=total
            )
        claim = self._statements.claim(
            **facts, wanted=ahead, total=total, limited=list(limits.handlers)
        )
        held, claimed = self._finish_beside(finished, claim, ahead)
        self._ahead.claimed(len(claimed))
        left = total - len(claimed)
        more = self.claim_within(limits, **facts, wanted=still_wanted(wanted, claimed), total=left)
        return held, claimed + more

    def _finish_beside(
        self,
        finished: Sequence[FinishedJob],
        claim: Statement | None,
        wanted: Sequence[WantedJobs],
    ) -> tuple[set[int], list[ClaimedJob]]:
        """Run the claim and the statements that end jobs, in one round trip."""
        statements = Settlement(self.session).statements(finished)
        if claim is not None:
            # It goes first: a reaper locks the worker's row and then its jobs, so must we.
            statements.insert(0, claim)
        if not statements:
            return set(), []
        with self.settling(finished) as settlement:
            answers = self.session.together(statements)
            claimed = [] if claim is None else in_line(answers.pop(0), wanted)
            return settlement.settle_rest(finished, answers), claimed

    def overdue(self, *, limit: int = 500, now: datetime | None = None) -> list[ClaimedJob]:
        rows = self.session.rows(statement("overdue"), {"limit": limit, "now": now})
        return [ClaimedJob(*row) for row in rows]

    def queues_with_ready_jobs(self) -> list[str]:
        name = "suspect_queues" if self.suspects else "ready_queues"
        return [queue for (queue,) in self.session.rows(statement(name), {})]

    def paused_queues(self, names: Collection[str]) -> set[str]:
        rows = self.session.rows(statement("paused_queues"), {"queues": quoted_array(names)})
        return {queue for (queue,) in rows}

    def promote(self, *, limit: int = 500, now: datetime | None = None) -> Promoted:
        promoted = self.session.rows(statement("promote"), {"now": now, "limit": limit})
        due = self.session.rows(statement("next_due"), {"now": now})
        return Promoted(
            queues=tuple(sorted(queue for queue, _ in promoted)),
            count=sum(count for _, count in promoted),
            next_due_seconds=max(0.0, due[0][0]) if due else None,
        )

    def save_progress(
        self,
        job_id: int,
        token: UUID,
        *,
        progress: str | None = None,
        checkpoints: str | None = None,
    ) -> bool:
        told = {"id": job_id, "token": token, "progress": progress, "checkpoints": checkpoints}
        return self.session.changed(statement("save_progress"), told) == 1

    # Enqueueing and waking.

    def _insert_plain_many(self, jobs: Sequence[NewJob], now: datetime | None) -> list[int]:
        return copy_plain_jobs(connections[self.using], jobs, now)

    def notify(self, queues: Sequence[str]) -> None:
        for queue in queues:
            self.session.rows(
                "SELECT pg_notify(%(channel)s, %(queue)s)", {"channel": CHANNEL, "queue": queue}
            )
