"""Workers on SQLite: leases, and what becomes of the jobs of a worker that is gone."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from django_jobqueue.core.specs import LEASE_LAPSED, Beat, Rescued, WorkerIdentity
from django_jobqueue.core.states import WorkerState

from .base import Claims
from .connected import Row
from .sqlite_finish import SQLiteFinish, given_back, rescued

_EVERYTHING = -1  # LIMIT -1 is none


class SQLiteWorkers(SQLiteFinish):
    """A worker's row is its lease. Ids of workers are UUIDs, stored as 32 hex digits."""

    def register_worker(self, worker: WorkerIdentity, *, lease: timedelta) -> None:
        facts = {
            "worker_id": worker.id.hex,
            "host": worker.host,
            "pid": worker.pid,
            "version": worker.version,
            "queues": msgspec.json.encode(worker.queues).decode(),
            "handlers": msgspec.json.encode(worker.handlers).decode(),
            "concurrency": worker.concurrency,
            "lease": lease.total_seconds(),
        }
        with self.writing():
            self.statement("register_worker", facts)

    def heartbeat(
        self,
        worker_id: UUID,
        *,
        lease: timedelta,
        in_hand: Callable[[], Claims] = tuple,
        reconcile_after: timedelta = timedelta(seconds=10),
        since: datetime | None = None,
    ) -> Beat:
        me = {"worker_id": worker_id.hex}
        with self.writing():
            # Asked under the lock: while it was waited for, others went on claiming.
            held = in_hand()
            known = msgspec.json.encode([(job_id, token.hex) for job_id, token in held]).decode()
            unknown_after = {"in_hand": known, "after": reconcile_after.total_seconds()}
            renewal = {"lease": lease.total_seconds(), "running": len(held)}
            renewed = self.statement("heartbeat", {**me, **renewal})
            if not renewed:
                return Beat(alive=False)
            cancels = self.statement("cancel_requests", me)
            unknown = self.statement("unknown_to_worker", {**me, **unknown_after})
            released = self.write([given_back(job_id, token) for job_id, token in unknown])
        return Beat(
            alive=True,
            stop_requested=renewed[0][0] is not None,
            cancel_requested=tuple(job_id for (job_id,) in cancels),
            released=tuple(sorted(released)),
        )

    def deregister_worker(self, worker_id: UUID) -> None:
        with self.writing():
            self._end(worker_id.hex, WorkerState.STOPPED)
            held = self.statement(
                "held_by_worker", {"worker_id": worker_id.hex, "limit": _EVERYTHING}
            )
            self.write([given_back(job_id, token) for job_id, token, *_ in held])

    def release_of_dead_workers(
        self, *, limit: int = 500, now: datetime | None = None
    ) -> list[Rescued]:
        found = []
        while (lapsed := self._rescue_next_lapsed(limit, now)) is not None:
            found.append(lapsed)
        for (worker_id,) in self.statement("ownerless_workers", {}):
            with self.writing():
                found.append(self._rescue_from(worker_id, limit, now))
        return found

    def _rescue_next_lapsed(self, limit: int, now: datetime | None) -> Rescued | None:
        parameters = {"now": self.optional_time_text(now)}
        if not self.statement("lapsed_worker", parameters):
            return None  # the usual answer, and it takes no lock
        with self.writing():
            rows = self.statement("lapsed_worker", parameters)
            if not rows:
                return None
            [(worker_id,)] = rows
            self._end(worker_id, WorkerState.DEAD)
            return self._rescue_from(worker_id, limit, now)

    def _rescue_from(self, worker_id: str, limit: int, now: datetime | None) -> Rescued:
        held = self.statement("held_by_worker", {"worker_id": worker_id, "limit": limit})
        endings = [rescued(job_id, token, cause=LEASE_LAPSED) for job_id, token, *_ in held]
        self.write(endings, now=now)
        return _rescued(worker_id, held)

    def release_of_worker(
        self, worker_id: UUID, *, started: Sequence[int] | None, cause: str
    ) -> Rescued:
        with self.writing():
            self._end(worker_id.hex, WorkerState.DEAD)
            held = self.statement(
                "held_by_worker", {"worker_id": worker_id.hex, "limit": _EVERYTHING}
            )
            self.write(
                rescued(job_id, token, cause=cause)
                if started is None or job_id in started
                else given_back(job_id, token)
                for job_id, token, *_ in held
            )
        return _rescued(worker_id.hex, held)

    def _end(self, worker_id: str, state: WorkerState) -> None:
        self.statement("end_worker", {"worker_id": worker_id, "state": state.value})


def _rescued(worker_id: str, held: Sequence[Row]) -> Rescued:
    back = [(job_id, queue) for job_id, _, queue, is_cancelled in held if not is_cancelled]
    return Rescued(
        worker_id=UUID(worker_id),
        job_ids=tuple(job_id for job_id, _ in back),
        queues=tuple(sorted({queue for _, queue in back})),
    )
