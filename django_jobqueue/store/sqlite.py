"""The store on SQLite: one writer at a time, under the lock that its transaction took first."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

import msgspec
from django.db import transaction

from django_jobqueue.core.limits import Limits
from django_jobqueue.core.specs import ClaimedJob, FinishedJob, Promoted, WantedJobs

from . import sql
from .base import OVERTIME
from .connected import Row
from .sqlite_waiters import SQLiteWaiters
from .transient import retrying

#: Where the times and `is_expired` of a claimed row end: SQLite gives them as texts and 0 or 1.
_EXPIRED_COLUMN = 13
#: How long a write is tried for its turn, besides the busy timeout that each try waits.
PATIENCE_SECONDS = 30.0
#: What a try waits in a thread that may be told to give up: SQLite's own wait hears of nothing.
TRY_MILLISECONDS = 250


class _Turns(threading.local):
    """How this thread pauses between two tries for the write lock."""

    wait: Callable[[float], object] | None = None


class SQLiteStore(SQLiteWaiters):
    """The embedded store: no other host, no other clock; `dedicated` is the store itself."""

    has_one_writer = True

    def __init__(
        self, using: str, *, suspects: bool = False, overtime: timedelta = OVERTIME
    ) -> None:
        super().__init__(using, suspects=suspects, overtime=overtime)
        self._claim = sql.claim("sqlite", suspects=suspects)
        self._pick = sql.pick("sqlite", suspects=suspects)
        self._wait = threading.Event().wait  # never set: a pause
        self._turns = _Turns()

    def dedicated(
        self, *, prepared: bool = True, suspects: bool = False, overtime: timedelta = OVERTIME
    ) -> Self:
        if (suspects, overtime) == (self.suspects, self.overtime):
            return self
        made = type(self)(self.using, suspects=suspects, overtime=overtime)
        made._turns = self._turns  # how a thread pauses holds for all that it does here
        return made

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Open a transaction that holds the write lock from the start, whatever its mode."""
        # Within the caller's transaction a second try is in vain: its snapshot stays too old.
        patience = 0.0 if self.connection.in_atomic_block else PATIENCE_SECONDS
        wait = self._turns.wait or self._wait
        with retrying(self._locked, wait=wait, seconds=patience):
            yield

    @contextmanager
    def pausing_with(self, wait: Callable[[float], object]) -> Iterator[None]:
        self._turns.wait, before = wait, self._turns.wait
        try:
            yield
        finally:
            self._turns.wait = before

    def one_write(self) -> AbstractContextManager[object]:
        return self.writing()

    def write_alone(self, text: str, parameters: Mapping[str, Any]) -> list[Row]:
        # A statement that writes takes the lock before it reads, so it needs no BEGIN for that.
        if self.connection.in_atomic_block:
            return super().write_alone(text, parameters)
        return retrying(
            lambda: self._write_shortly(text, parameters),
            wait=self._turns.wait or self._wait,
            seconds=PATIENCE_SECONDS,
        )

    def _write_shortly(self, text: str, parameters: Mapping[str, Any]) -> list[Row]:
        with self._short_tries():
            return super().write_alone(text, parameters)

    def _locked(self) -> ExitStack:
        with self._short_tries(), ExitStack() as stack:
            stack.enter_context(transaction.atomic(using=self.using))
            self.statement("take_write_lock", {})
            return stack.pop_all()

    @contextmanager
    def _short_tries(self) -> Iterator[None]:
        """Where a thread may be told to give up, wait in many short tries instead of a long one."""
        if self._turns.wait is None or self.connection.in_atomic_block:
            yield
            return
        self.connection.ensure_connection()
        raw = self.connection.connection
        [(usual,)] = raw.execute("PRAGMA busy_timeout").fetchall()
        raw.execute(f"PRAGMA busy_timeout = {min(usual, TRY_MILLISECONDS)}")
        try:
            yield
        finally:  # for the commit, which may have to wait for readers
            raw.execute(f"PRAGMA busy_timeout = {usual}")

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
