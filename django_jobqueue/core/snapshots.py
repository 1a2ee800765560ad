"""Jobs, workers and what bounds them, as they stood when somebody looked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from inspect import formatannotation
from typing import TypeVar
from uuid import UUID

import msgspec

from django_jobqueue.core.limits import Limit, LimitName
from django_jobqueue.core.result_errors import UnexpectedResult
from django_jobqueue.core.states import DeathReason, JobState, WorkerState

T = TypeVar("T")


class JobSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it stood when it was looked up, in whichever table; JSON columns are decoded.

    `blocked_by` is the text of the limit that refused a blocked job, `waits_for` the id of the job
    that must succeed first.
    """

    id: int
    handler: str
    queue: str
    priority: int
    state: JobState
    payload: object
    attempt: int
    max_attempts: int
    reprocess_count: int
    rescues: int
    run_at: datetime | None
    ready_at: datetime | None
    created_at: datetime
    claimed_at: datetime | None
    attempted_at: datetime | None
    deadline_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    cancel_requested_at: datetime | None
    fingerprint: str
    unique_key: str | None
    concurrency_key: str | None
    key_limit: int | None
    blocked_by: str | None
    waits_for: int | None
    batch_id: int | None
    reason: DeathReason | None
    result: object
    error: Mapping[str, object] | None
    progress: object
    meta: Mapping[str, object]
    tags: Sequence[str]
    worker_id: UUID | None
    claim_token: UUID | None
    template: str | None
    schedule: str | None
    slot: datetime | None
    requeued_from: int | None

    def typed_result(self, kind: type[T]) -> T:
        """Return `result` as a value of this type, by the rules for arguments: a dataclass, a
        datetime, `list[int]`. UnexpectedResult where it is none, as that of a job that did not
        succeed.
        """
        try:
            return msgspec.convert(self.result, kind, str_keys=True)
        except Exception as error:  # a class may raise anything of its own
            raise UnexpectedResult(
                self.id,
                state=self.state,
                result=self.result,
                expected=formatannotation(kind),
                why=str(error),
            ) from error


class AttemptSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One kept run of a job; times are aware UTC, `log` a list of lines."""

    attempt: int
    outcome: str
    started_at: datetime | None
    ended_at: datetime
    worker_id: UUID | None
    error_type: str
    message: str
    traceback: str
    log: Sequence[str]


class WorkerSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One start of one worker; no `queues` means all of them. `handlers` are the names it knew when
    it registered. `has_lease` says whether it is alive, and its lease holds by the database's
    clock.
    """

    id: UUID
    host: str
    pid: int
    version: str
    state: WorkerState
    queues: tuple[str, ...]
    handlers: tuple[str, ...]
    concurrency: int
    running: int
    started_at: datetime
    heartbeat_at: datetime
    lease_expires_at: datetime
    stop_requested_at: datetime | None
    ended_at: datetime | None
    has_lease: bool

    def serves(self, queue: str) -> bool:
        """Whether it takes further jobs of the queue."""
        is_open = self.has_lease and self.stop_requested_at is None
        return is_open and (not self.queues or queue in self.queues)

    def __str__(self) -> str:
        return f"{self.host}:{self.pid} ({self.id})"


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """Why a queue gives nothing to claims just now; without `until`, until it is resumed."""

    paused_at: datetime
    until: datetime | None
    reason: str


class RunningJob(msgspec.Struct, frozen=True):
    """A running job, by what limits count it."""

    id: int
    queue: str
    handler: str
    key: str | None
    worker_id: UUID | None


class LimitSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A limit as its row shows it: what claims found declared, or, with `set_at`, what an operator
    has set. `next_at` is when the next start is due under its rate.
    """

    name: LimitName
    limit: Limit
    set_at: datetime | None
    next_at: datetime | None
