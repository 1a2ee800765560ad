"""The store on SQLite: one writer at a time, under the lock that its transaction took first."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

import msgspec

from django_jobqueue.core.limits import Limits
from django_jobqueue.core.specs import ClaimedJob, FinishedJob, Promoted, WantedJobs

from . import sql
from .base import OVERTIME, TellLimits
from .connected import Row
from .meanwhile import Meanwhile, nothing
from .sqlite_claims import claimed_job, claimed_jobs
from .sqlite_turns import SQLiteTurns

#: The length of a time's text, up to its microseconds.
_WITHOUT_ZONE = 26


class SQLiteStore(SQLiteTurns):
    """The embedded store: no other host, no other clock; `dedicated` is the store itself."""

    vendor = "sqlite"
    has_one_writer = True

    def __init__(
        self, using: str, *, suspects: bool = False, overtime: timedelta = OVERTIME
    ) -> None:
        super().__init__(using, suspects=suspects, overtime=overtime)
        self._heads = sql.claimed_facts(suspects=suspects)
        self._picked = sql.claimed_facts()
        self._pick = sql.pick("sqlite", suspects=suspects)

    def dedicated(
        self, *, prepared: bool = True, suspects: bool = False, overtime: timedelta = OVERTIME
    ) -> Self:
        if (suspects, overtime) == (self.suspects, self.overtime):
            return self
        made = type(self)(self.using, suspects=suspects, overtime=overtime)
        made._turns = self._turns  # how a thread pauses holds for all that it does here
        return made

    def time_text(self, moment: datetime) -> str:
        # Six digits always: as texts, 12:00:00 would sort before 12:00:00.000.
        in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
        return in_utc.isoformat(" ", "microseconds")[:_WITHOUT_ZONE]

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
        with self.writing():
            return self._claim_heads(
                worker_id=worker_id, token=token, wanted=wanted, total=total, now=now
            )

    def _claim_heads(
        self,
        *,
        worker_id: UUID,
        token: UUID,
        wanted: Sequence[WantedJobs],
        total: int,
        now: datetime | None = None,
    ) -> list[ClaimedJob]:
        """Claim without limits, under the lock that is held."""
        if not wanted or total <= 0:
            return []
        parameters = {
            "worker_id": worker_id.hex,
            "wanted": _pairs(wanted),
            "most": min(total, max(one.limit for one in wanted)),
            "total": total,
            "now": self.optional_time_text(now),
        }
        return self._take(self._heads, parameters, token=token, worker_id=worker_id)

    def _take(
        self, text: str, parameters: Mapping[str, object], *, token: UUID, worker_id: UUID
    ) -> list[ClaimedJob]:
        """Claim what this statement tells of, under the lock that is held."""
        [(facts,)] = self.execute(text, parameters)
        jobs = claimed_jobs(facts, token=token, worker_id=worker_id, aware=self.aware)
        if jobs:
            taken = {
                "ids": msgspec.json.encode([job.id for job in jobs]).decode(),
                "worker_id": worker_id.hex,
                "token": token.hex,
                "claimed_at": self.time_text(jobs[0].claimed_at),
                "overtime": self.overtime.total_seconds(),
            }
            self.statement("claim", taken)
        return jobs

    def overdue(self, *, limit: int = 500, now: datetime | None = None) -> list[ClaimedJob]:
        parameters = {"limit": limit, "now": self.optional_time_text(now)}
        return [
            claimed_job(row, token=UUID(token), worker_id=UUID(worker_id), aware=self.aware)
            for *row, token, worker_id in self.statement("overdue", parameters)
        ]

    def run(self, name: str, parameters: Mapping[str, object]) -> list[Row]:
        return self.statement(name, parameters)

    def claiming(self) -> AbstractContextManager[object]:
        return self.writing()

    def pick(
        self,
        worker_id: UUID,
        *,
        wanted: Sequence[WantedJobs],
        saturated: Sequence[str],
        total: int,
        now: datetime | None,
    ) -> list[Row]:
        asked = {
            "worker_id": worker_id.hex,
            "wanted": _pairs(wanted),
            "saturated": msgspec.json.encode(saturated).decode(),
            "total": total,
            "now": self.optional_time_text(now),
        }
        return self.execute(self._pick, asked)

    def claim_picked(
        self, ids: Sequence[int], *, worker_id: UUID, token: UUID, now: datetime | None
    ) -> list[ClaimedJob]:
        facts = {"ids": msgspec.json.encode(ids).decode(), "now": self.optional_time_text(now)}
        return self._take(self._picked, facts, token=token, worker_id=worker_id)

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
        facts: Any = {"worker_id": worker_id, "token": token, "wanted": wanted, "total": total}
        # Before the lock: whoever has the interpreter then would keep the others from writing.
        meanwhile()
        # One transaction: one wait for the write lock, one commit.
        with self.writing():
            if limits is not None:
                return self.finish_and_claim_within(limits, finished, **facts)
            if in_force is not None:
                in_force(self.limits_in_force())
            return self.finish_held(finished), self._claim_heads(**facts)

    def queues_with_ready_jobs(self, known: Sequence[WantedJobs] = ()) -> list[str]:
        name = "suspect_queues" if self.suspects else "ready_queues"
        return sorted(queue for (queue,) in self.statement(name, {}))

    def paused_queues(self, names: Collection[str]) -> set[str]:
        asked = msgspec.json.encode(list(names)).decode()
        return {queue for (queue,) in self.statement("paused_queues", {"queues": asked})}

    def promote(
        self, *, limit: int = 500, since: datetime | None = None, now: datetime | None = None
    ) -> Promoted:
        moment = self.optional_time_text(now)
        due_in = self._seconds_until_due(moment)
        if due_in is None or due_in > 0:  # the usual answer, and it takes no lock
            return Promoted(queues=(), count=0, next_due_seconds=due_in)
        with self.writing():
            promoted = Counter(
                queue for (queue,) in self.statement("promote", {"limit": limit, "now": moment})
            )
        due_in = self._seconds_until_due(moment)
        return Promoted(
            queues=tuple(sorted(promoted)),
            count=promoted.total(),
            next_due_seconds=None if due_in is None else max(0.0, due_in),
        )

    def _seconds_until_due(self, moment: str | None) -> float | None:
        """Seconds until the next scheduled job, 0 where it is late; None if there is none."""
        due = self.statement("next_due", {"now": moment})
        return due[0][0] if due else None


def _pairs(wanted: Sequence[WantedJobs]) -> str:
    return msgspec.json.encode([(one.queue, one.limit) for one in wanted]).decode()
