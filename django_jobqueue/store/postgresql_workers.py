"""Workers on PostgreSQL: leases, and what becomes of the jobs of a worker that is gone."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.following import Followed
from django_jobqueue.core.specs import LEASE_LAPSED, Beat, FinishedJob, Rescued, WorkerIdentity

from . import sql
from .base import Claims
from .following import followed_of
from .limit_rows import Named
from .limited import Ended, LimitedStore
from .meanwhile import Meanwhile
from .postgresql_arrays import array
from .postgresql_finish import Settlement, following
from .sessions import Row, Session, Statement

#: What a good-bye may wait for a lock: a worker that leaves has little time, and a supervisor other
#: children.
GOOD_BYE_LIMIT = timedelta(seconds=2)
#: What a heartbeat does for jobs besides.
RECONCILE = ("cancel_requests", "unknown_and_unwanted", "reconcile")


def statement(name: str) -> str:
    """Return the text of this vendor's statement."""
    return sql.load("postgresql", name)


class PostgreSQLWorkers(LimitedStore):
    """A worker's row is its lease: whoever locks it holds off its claims, or its death."""

    def __init__(
        self, using: str, *, session: Session, suspects: bool, overtime: timedelta
    ) -> None:
        super().__init__(using, suspects=suspects, overtime=overtime)
        self.session = session

    def run(self, name: str, parameters: Mapping[str, object]) -> list[Row]:
        return self.session.rows(statement(name), parameters)

    def run_all(self, named: Sequence[Named]) -> list[list[Row]]:
        return self.session.together([(statement(name), facts) for name, facts in named])

    def finish_and_lock(
        self,
        finished: Sequence[FinishedJob],
        locking: Sequence[Named],
        *,
        worker_id: UUID,
        meanwhile: Meanwhile,
    ) -> Ended:
        settlement = Settlement(self.session)
        statements: list[Statement] = [(statement("hold_worker"), {"worker_id": worker_id})]
        statements += settlement.statements(finished)
        written = len(statements)
        statements += [(statement(name), facts) for name, facts in locking]
        answers = self.session.together(statements, meanwhile=meanwhile)
        held = settlement.settle_rest(finished, answers[1:written])
        self._finish_batches_of(settlement)
        return Ended(held, answers[written:], readied=sorted(settlement.queues))

    def claiming(self) -> AbstractContextManager[object]:
        return self.session.atomic()

    def follow(self, ids: Sequence[int], *, now: datetime | None = None) -> list[Followed]:
        return followed_of(self.session.rows(*following(ids, now=now)))

    def written_under(self, claims: Iterable[tuple[int, UUID]]) -> set[int]:
        parameters = arrays_of(list(claims))
        return {job_id for (job_id,) in self.session.rows(statement("written_under"), parameters)}

    @contextmanager
    def settling(self, finished: Sequence[FinishedJob] = ()) -> Iterator[Settlement]:
        """Write finished jobs in the block; what follows from their end is done in the same
        transaction, and who is to run it is woken after that.
        """
        settlement = Settlement(self.session)
        is_about_batches = any(done.job.batch_id is not None for done in finished)
        with self.session.atomic() if is_about_batches else nullcontext():
            yield settlement
            self._finish_batches_of(settlement)
        self.notify(sorted(settlement.queues))

    def _finish_batches_of(self, settlement: Settlement) -> None:
        if settlement.batches:
            settlement.queues |= set(self.finish_batches(settlement.batches))

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
        self.session.changed(statement("register_worker"), facts)

    def heartbeat(
        self,
        worker_id: UUID,
        *,
        lease: timedelta,
        in_hand: Callable[[], Claims] = tuple,
        reconcile_after: timedelta = timedelta(seconds=10),
        since: datetime | None = None,
    ) -> Beat:
        self.session.open()  # it may take seconds, while others go on claiming
        me: dict[str, object] = {"worker_id": worker_id, "since": since}
        me["after"] = reconcile_after.total_seconds()
        limit = _no_longer_than(reconcile_after / 2)
        began_at, claims = monotonic(), in_hand()
        if not claims:
            _, renewed = self.session.together([limit, _renewal(me, lease, claims)])
            if not _has_jobs(renewed):
                return _beat_of(renewed)
            claims = in_hand()  # it may have claimed them just now
        me["after"] = reconcile_after.total_seconds() + monotonic() - began_at
        held = {**me, **arrays_of(claims)}
        _, renewed, cancels, unwanted, released = self.session.together(
            [limit, _renewal(me, lease, claims), *((statement(name), held) for name in RECONCILE)]
        )
        cancelled = self._archive_cancelled(unwanted) if renewed else ()
        return _beat_of(
            renewed,
            cancel_requested=_first_column(cancels),
            released=tuple(sorted({*_first_column(released), *cancelled})),
        )

    def deregister_worker(self, worker_id: UUID) -> None:
        me = {"worker_id": worker_id}
        # The row first: once it is not alive, no late claim can add to what is given back.
        with self.session.atomic():
            self.session.rows(*_no_longer_than(GOOD_BYE_LIMIT))
            self.session.changed(statement("deregister_worker"), me)
            self._cancel_lost(me)
            self.session.rows(statement("give_back"), me)

    def release_of_dead_workers(
        self, *, limit: int = 500, now: datetime | None = None
    ) -> list[Rescued]:
        rescued = []
        while (lapsed := self._rescue_next_lapsed(limit, now)) is not None:
            rescued.append(lapsed)
        for (worker_id,) in self.session.rows(statement("ownerless_workers"), {}):
            with self.session.atomic():
                rescued.append(self._rescue_from(worker_id, limit))
        return rescued

    def _rescue_next_lapsed(self, limit: int, now: datetime | None) -> Rescued | None:
        with self.session.atomic():
            found = self.session.rows(statement("lapsed_worker"), {"now": now})
            if not found:
                return None
            [(worker_id,)] = found
            self.session.changed(statement("declare_dead"), {"worker_id": worker_id})
            return self._rescue_from(worker_id, limit)

    def _rescue_from(self, worker_id: UUID, limit: int) -> Rescued:
        self._cancel_lost({"worker_id": worker_id})
        parameters = {
            "worker_id": worker_id,
            "limit": limit,
            "started": None,
            "cause": LEASE_LAPSED,
        }
        return _rescued(worker_id, self.session.rows(statement("rescue"), parameters))

    def _cancel_lost(self, worker: Mapping[str, object]) -> None:
        self._archive_cancelled(self.session.rows(statement("cancel_lost"), worker))

    def _archive_cancelled(self, claims: Sequence[Row]) -> set[int]:
        with self.settling() as settlement:
            return settlement.archive_cancelled(claims)

    def release_of_worker(
        self, worker_id: UUID, *, started: Sequence[int] | None, cause: str
    ) -> Rescued:
        me = {"worker_id": worker_id}
        suspects = {
            **me,
            "limit": None,
            "started": None if started is None else array(started),
            "cause": cause,
        }
        with self.session.atomic():
            self.session.rows(*_no_longer_than(GOOD_BYE_LIMIT))
            self.session.changed(statement("declare_dead"), me)
            self._cancel_lost(me)
            back = self.session.rows(statement("rescue"), suspects)
            back += self.session.rows(statement("give_back"), me)
        return _rescued(worker_id, back)


def arrays_of(claims: Claims) -> dict[str, object]:
    """Return claims as the two parameters that statements unnest."""
    return {
        "ids": array(job_id for job_id, _ in claims),
        "tokens": array(token for _, token in claims),
    }


def _no_longer_than(span: timedelta) -> Statement:
    """Let each statement of the current transaction take that long at most."""
    milliseconds = max(0, span // timedelta(milliseconds=1))  # 0 is no limit
    return statement("limit_statements"), {"milliseconds": milliseconds}


def _renewal(worker: Mapping[str, object], lease: timedelta, claims: Claims) -> Statement:
    facts = {**worker, "lease": lease.total_seconds(), "running": len(claims)}
    return statement("heartbeat"), facts


def _has_jobs(renewed: list[Row]) -> bool:
    return bool(renewed) and bool(renewed[0][1])


def _beat_of(renewed: list[Row], **facts: tuple[int, ...]) -> Beat:
    if not renewed:
        return Beat(alive=False)
    [(stop_requested, _, up_to)] = renewed
    return Beat(alive=True, stop_requested=stop_requested, up_to=up_to, **facts)


def _rescued(worker_id: UUID, back: Sequence[Row]) -> Rescued:
    return Rescued(
        worker_id=worker_id,
        job_ids=_first_column(list(back)),
        queues=tuple(sorted({queue for _, queue in back})),
    )


def _first_column(rows: list[Row]) -> tuple[int, ...]:
    return tuple(row[0] for row in rows)
