"""The store on SQLite: one writer at a time, under the lock that its transaction took first."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

import msgspec

from django_jobqueue.core.limits import Limits
from django_jobqueue.core.specs import ClaimedJob, FinishedJob, Promoted, WantedJobs

from . import sql
from .base import OVERTIME
from .connected import Row
from .sqlite_turns import SQLiteTurns

#: Where the times and `is_expired` of a claimed row end: SQLite gives them as texts and 0 or 1.
_EXPIRED_COLUMN = 13


class SQLiteStore(SQLiteTurns):
    """The embedded store: no other host, no other clock; `dedicated` is the store itself."""

    has_one_writer = True

    def __init__(
        self, using: str, *, suspects: bool = False, overtime: timedelta = OVERTIME
    ) -> None:
        super().__init__(using, suspects=suspects, overtime=overtime)
        self._claim = sql.claim("sqlite", suspects=suspects)
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
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")

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
        parameters = {
            "worker_id": worker_id.hex,
            "token": token.hex,
            "wanted": _pairs(wanted),
            "most": min(total, max(one.limit for one in wanted)),
            "total": total,
            "overtime": self.overtime.total_seconds(),
            "now": self.optional_time_text(now),
        }
        with self.writing():
            rows = self.execute(self._claim, parameters)
        return _in_line((self._claimed(row, token, worker_id) for row in rows), wanted)

    def overdue(self, *, limit: int = 500, now: datetime | None = None) -> list[ClaimedJob]:
        parameters = {"limit": limit, "now": self.optional_time_text(now)}
        return [
            self._claimed(tuple(row), UUID(token), UUID(worker_id))
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
        facts = {
            "ids": msgspec.json.encode(ids).decode(),
            "worker_id": worker_id.hex,
            "token": token.hex,
            "overtime": self.overtime.total_seconds(),
            "now": self.optional_time_text(now),
        }
        rows = self.execute(sql.claim_picked("sqlite"), facts)
        return [self._claimed(row, token, worker_id) for row in rows]

    def _claimed(self, row: Row, token: UUID, worker_id: UUID) -> ClaimedJob:
        *facts, claimed_at, ready_at, created_at, is_expired = row[:_EXPIRED_COLUMN]
        claimed_at, unreadable = self.aware(claimed_at), None
        try:
            times = [self.aware(ready_at), self.aware(created_at)]
        except (AttributeError, ValueError, OverflowError):
            times, unreadable = [claimed_at] * 2, f"ready_at {ready_at}, created_at {created_at}"
        facts += [claimed_at, *times, bool(is_expired), unreadable]
        *options, has_next, batch_id = row[_EXPIRED_COLUMN:]
        facts += [*options, bool(has_next), batch_id, token, worker_id]
        return ClaimedJob(*facts)

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
        facts: Any = {"worker_id": worker_id, "token": token, "wanted": wanted, "total": total}
        # One transaction: one wait for the write lock, one commit.
        with self.writing():
            if limits is not None:
                return self.finish_and_claim_within(limits, finished, **facts)
            return self.finish_many(finished), self.claim(**facts)

    def queues_with_ready_jobs(self) -> list[str]:
        name = "suspect_queues" if self.suspects else "ready_queues"
        return sorted(queue for (queue,) in self.statement(name, {}))

    def paused_queues(self, names: Collection[str]) -> set[str]:
        asked = msgspec.json.encode(list(names)).decode()
        return {queue for (queue,) in self.statement("paused_queues", {"queues": asked})}

    def promote(self, *, limit: int = 500, now: datetime | None = None) -> Promoted:
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


def _in_line(jobs: Iterable[ClaimedJob], wanted: Sequence[WantedJobs]) -> list[ClaimedJob]:
    """RETURNING has no order, whatever the statement inside says."""
    place = {one.queue: position for position, one in enumerate(wanted)}
    return sorted(jobs, key=lambda job: (place[job.queue], -job.priority, job.ready_at, job.id))


def _pairs(wanted: Sequence[WantedJobs]) -> str:
    return msgspec.json.encode([(one.queue, one.limit) for one in wanted]).decode()
