"""The store on PostgreSQL: SKIP LOCKED claims, set-based moves, COPY and NOTIFY."""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

import msgspec
from django.db import connections

from django_jobqueue.core.specs import (
    Beat,
    ClaimedJob,
    FinishedJob,
    NewJob,
    Promoted,
    Rescued,
    WantedJobs,
    WorkerIdentity,
)

from . import sql
from .base import Claims
from .orm import OrmStore
from .postgresql_arrays import array, quoted_array
from .postgresql_copy import copy_plain_jobs
from .postgresql_finish import Settlement
from .postgresql_reads import reads_of_at_most
from .sessions import DjangoSession, PsycopgSession, Row, Session, Statement

CHANNEL = "django_jobqueue"
#: What a good-bye may wait for a lock: a worker that leaves has little time.
GOOD_BYE_LIMIT = timedelta(seconds=2)


def _sql(name: str) -> str:
    return sql.load("postgresql", name)


class PostgreSQLStore(OrmStore):
    """The production store. Without a session of its own it works on Django's connection, in the
    caller's transaction.
    """

    supports_notify = True
    supports_dedicated_connection = True

    def __init__(self, using: str, *, session: Session | None = None) -> None:
        super().__init__(using)
        self.session: Session = session or DjangoSession(using)

    def dedicated(self, *, prepared: bool = True) -> Self:
        return type(self)(self.using, session=PsycopgSession(self.using, prepared=prepared))

    def close(self) -> None:
        self.session.close()

    def reach(self) -> None:
        # Not on Django's connection, which waits for as long as the network does.
        session = PsycopgSession(self.using, prepared=False)
        with self.connection.wrap_database_errors:
            session.open()
        session.close()

    def reading(self, *, at_most: timedelta) -> AbstractContextManager[object]:
        return reads_of_at_most(at_most, using=self.using)

    # The worker and its lease.

    def register_worker(self, worker: WorkerIdentity, *, lease: timedelta) -> None:
        facts = {
            "worker_id": worker.id,
            "host": worker.host,
            "pid": worker.pid,
            "version": worker.version,
            "queues": msgspec.json.encode(worker.queues).decode(),
            "handlers": msgspec.json.encode(worker.handlers).decode(),
            "concurrency": worker.concurrency,
            "lease": lease.total_seconds(),
        }
        self.session.changed(_sql("register_worker"), facts)

    def heartbeat(
        self,
        worker_id: UUID,
        *,
        lease: timedelta,
        in_hand: Callable[[], Claims] = tuple,
        reconcile_after: timedelta = timedelta(seconds=10),
    ) -> Beat:
        self.session.open()  # it may take seconds, while others go on claiming
        _, renewed, cancels, unwanted, released = self.session.together(
            _beat(worker_id, in_hand(), lease=lease, reconcile_after=reconcile_after)
        )
        if not renewed:
            return Beat(alive=False)
        cancelled = Settlement(self.session).archive_cancelled(unwanted)
        return Beat(
            alive=True,
            stop_requested=renewed[0][0],
            cancel_requested=_first_column(cancels),
            released=tuple(sorted({*_first_column(released), *cancelled})),
        )

    def deregister_worker(self, worker_id: UUID) -> None:
        me = {"worker_id": worker_id}
        # The row first: once it is not alive, no late claim can add to what is given back.
        with self.session.atomic():
            self.session.rows(*_no_longer_than(GOOD_BYE_LIMIT))
            self.session.changed(_sql("deregister_worker"), me)
            Settlement(self.session).archive_cancelled(self.session.rows(_sql("cancel_lost"), me))
            self.session.changed(_sql("give_back"), me)

    def release_of_dead_workers(
        self, *, limit: int = 500, now: datetime | None = None
    ) -> list[Rescued]:
        rescued = []
        while (lapsed := self._rescue_next_lapsed(limit, now)) is not None:
            rescued.append(lapsed)
        for (worker_id,) in self.session.rows(_sql("ownerless_workers"), {}):
            with self.session.atomic():
                rescued.append(self._rescue_from(worker_id, limit))
        return rescued

    def _rescue_next_lapsed(self, limit: int, now: datetime | None) -> Rescued | None:
        with self.session.atomic():
            found = self.session.rows(_sql("lapsed_worker"), {"now": now})
            if not found:
                return None
            [(worker_id,)] = found
            self.session.changed(_sql("declare_dead"), {"worker_id": worker_id})
            return self._rescue_from(worker_id, limit)

    def _rescue_from(self, worker_id: UUID, limit: int) -> Rescued:
        lost = self.session.rows(_sql("cancel_lost"), {"worker_id": worker_id})
        Settlement(self.session).archive_cancelled(lost)
        back = self.session.rows(_sql("rescue"), {"worker_id": worker_id, "limit": limit})
        return Rescued(
            worker_id=worker_id,
            job_ids=_first_column(back),
            queues=tuple(sorted({queue for _, queue in back})),
        )

    # Claiming and finishing.

    def claim(
        self,
        *,
        worker_id: UUID,
        token: UUID,
        wanted: Sequence[WantedJobs],
        total: int,
        now: datetime | None = None,
    ) -> list[ClaimedJob]:
        if not wanted or total <= 0:
            return []
        parameters = _claim_parameters(worker_id, token, wanted, total, now)
        return _in_line(self.session.rows(_sql("claim"), parameters), wanted)

    def finish_many(self, finished: Sequence[FinishedJob]) -> set[int]:
        return Settlement(self.session).write(finished) if finished else set()

    def finish_and_claim(
        self,
        finished: Sequence[FinishedJob],
        *,
        worker_id: UUID,
        token: UUID,
        wanted: Sequence[WantedJobs],
        total: int,
    ) -> tuple[set[int], list[ClaimedJob]]:
        settlement = Settlement(self.session)
        statements = settlement.statements(finished)
        # The claim goes first: a reaper locks the worker's row and then its jobs, so must we.
        claims = bool(wanted) and total > 0
        if claims:
            statements.insert(
                0, (_sql("claim"), _claim_parameters(worker_id, token, wanted, total, None))
            )
        if not statements:
            return set(), []
        answers = self.session.together(statements)
        claimed = _in_line(answers.pop(0), wanted) if claims else []
        return settlement.settle_rest(finished, answers), claimed

    def queues_with_ready_jobs(self) -> list[str]:
        return [queue for (queue,) in self.session.rows(_sql("ready_queues"), {})]

    def paused_queues(self, names: Collection[str]) -> set[str]:
        rows = self.session.rows(_sql("paused_queues"), {"queues": quoted_array(names)})
        return {queue for (queue,) in rows}

    def promote(self, *, limit: int = 500, now: datetime | None = None) -> Promoted:
        promoted = self.session.rows(_sql("promote"), {"now": now, "limit": limit})
        due = self.session.rows(_sql("next_due"), {"now": now})
        return Promoted(
            queues=tuple(sorted(queue for queue, _ in promoted)),
            count=sum(count for _, count in promoted),
            next_due_seconds=max(0.0, due[0][0]) if due else None,
        )

    def written_under(self, claims: Iterable[tuple[int, UUID]]) -> set[int]:
        parameters = _arrays_of(list(claims))
        return {job_id for (job_id,) in self.session.rows(_sql("written_under"), parameters)}

    def save_progress(
        self,
        job_id: int,
        token: UUID,
        *,
        progress: str | None = None,
        checkpoints: str | None = None,
    ) -> bool:
        told = {"id": job_id, "token": token, "progress": progress, "checkpoints": checkpoints}
        return self.session.changed(_sql("save_progress"), told) == 1

    # Enqueueing and waking.

    def _insert_plain_many(self, jobs: Sequence[NewJob], now: datetime | None) -> list[int]:
        return copy_plain_jobs(connections[self.using], jobs, now)

    def notify(self, queues: Sequence[str]) -> None:
        for queue in queues:
            self.session.rows(
                "SELECT pg_notify(%(channel)s, %(queue)s)", {"channel": CHANNEL, "queue": queue}
            )


def _beat(
    worker_id: UUID, claims: Claims, *, lease: timedelta, reconcile_after: timedelta
) -> list[Statement]:
    me = {"worker_id": worker_id}
    held = {**me, "after": reconcile_after.total_seconds(), **_arrays_of(claims)}
    return [
        _no_longer_than(reconcile_after / 2),
        (_sql("heartbeat"), {**me, "lease": lease.total_seconds(), "running": len(claims)}),
        (_sql("cancel_requests"), me),
        (_sql("unknown_and_unwanted"), held),
        (_sql("reconcile"), held),
    ]


def _arrays_of(claims: Claims) -> dict[str, object]:
    return {
        "ids": array(job_id for job_id, _ in claims),
        "tokens": array(token for _, token in claims),
    }


def _no_longer_than(span: timedelta) -> Statement:
    """Let each statement of the current transaction take that long at most."""
    milliseconds = max(0, span // timedelta(milliseconds=1))  # 0 is no limit
    return _sql("limit_statements"), {"milliseconds": milliseconds}


def _claim_parameters(
    worker_id: UUID, token: UUID, wanted: Sequence[WantedJobs], total: int, now: datetime | None
) -> dict[str, object]:
    return {
        "worker_id": worker_id,
        "token": token,
        "queues": quoted_array(one.queue for one in wanted),
        "limits": array(one.limit for one in wanted),
        "total": total,
        "now": now,
    }


def _in_line(rows: list[Row], wanted: Sequence[WantedJobs]) -> list[ClaimedJob]:
    """RETURNING has no order, whatever the statement inside says."""
    jobs = [ClaimedJob(*row) for row in rows]
    if len(wanted) == 1:
        jobs.sort(key=lambda job: (-job.priority, job.ready_at, job.id))
    else:
        place = {one.queue: position for position, one in enumerate(wanted)}
        jobs.sort(key=lambda job: (place[job.queue], -job.priority, job.ready_at, job.id))
    return jobs


def _first_column(rows: list[Row]) -> tuple[int, ...]:
    return tuple(row[0] for row in rows)
