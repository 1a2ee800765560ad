"""The values that cross layers; rows of the database never do."""

from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

import msgspec

from django_jobqueue.core.states import DeathReason, JobState


# Very many of those with gc=False are made, and they hold nothing that could lead back to them:
# without it the search for cycles takes about as long as making them.
class NewJob(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A job to be stored, JSON columns as text; due at `run_at` [now] and after `delay` seconds."""

    handler: str
    queue: str = "default"
    priority: int = 0
    payload: str = '{"args":[],"kwargs":{}}'
    run_at: datetime | None = None
    delay: float = 0.0
    expires_at: datetime | None = None
    max_attempts: int = 3
    max_attempts_is_default: bool = False  #: that of its queue goes before it
    timeout_seconds: float | None = None
    backoff: str | None = None
    fingerprint: str = ""
    unique_key: str | None = None
    unique_while: str = "live"
    unique_for: timedelta | None = None
    on_conflict: str = "skip"
    concurrency_key: str | None = None
    key_limit: int | None = None
    tags: str = "[]"
    meta: str = "{}"
    batch_id: int | None = None
    template: str | None = None
    schedule: str | None = None
    slot: datetime | None = None
    requeued_from: int | None = None
    waits_for: int | None = None
    result_as: str | None = None
    on_failure: str = "cancel"
    has_next: bool = False


class Inserted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer to an enqueue: the new job's id, or that of the job that holds its unique key."""

    id: int
    created: bool
    replaced: bool = False


class ClaimedJob(msgspec.Struct, frozen=True, gc=False):
    """One claimed job as the worker sees it. The field order is the column order of the claim
    statements.
    """

    id: int
    queue: str
    handler: str
    payload: str
    priority: int
    attempt: int
    max_attempts: int
    reprocess_count: int
    rescues: int
    claimed_at: datetime
    ready_at: datetime
    created_at: datetime
    is_expired: bool
    unreadable: str | None  #: names times that cannot be told; `claimed_at` stands in for them
    timeout_seconds: float | None
    backoff: str | None
    fingerprint: str
    unique_key: str | None
    concurrency_key: str | None
    meta: str
    tags: str
    checkpoints: str | None
    error: str | None
    has_next: bool  #: another job waits for this one
    batch_id: int | None
    claim_token: UUID
    worker_id: UUID

    @property
    def is_last_attempt(self) -> bool:
        return self.attempt >= self.max_attempts


class AttemptReport(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is kept of a run that did not simply succeed. `log` is the JSON text of the lines it
    logged.
    """

    outcome: str
    error_type: str = ""
    message: str = ""
    traceback: str = ""
    log: str = "[]"


class Transition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What will be written because of an outcome. `result` and `error` are JSON text.

    `attempt_change` is added to the attempt that the claim charged. For a job that lives on: it
    runs at the later of `run_at` and the store's clock plus `delay` seconds. With `keeps_place` it
    returns to where it stood in line. `reprocess_change` and `rescue_change` are added to their
    counters. Without an `error` that of an earlier run is kept; `NO_ERROR` removes it.
    """

    NO_ERROR: ClassVar[str] = "null"

    state: JobState
    reason: DeathReason | None = None
    result: str | None = None
    error: str | None = None
    delay: float = 0.0
    run_at: datetime | None = None
    attempt_change: int = 0
    reprocess_change: int = 0
    rescue_change: int = 0
    keeps_place: bool = False
    report: AttemptReport | None = None
    keep: bool = True  #: False: the record of this success is not kept

    @property
    def is_own_end(self) -> bool:
        """Whether the run of a job that lives on came to its own end: it is no suspect any more."""
        return self.report is not None and self.report.outcome not in ("released", "rescued")


class FinishedJob(msgspec.Struct, frozen=True, gc=False):
    """A claim and what to write for it; `attempted_at` is None where no handler was called, and
    `run_seconds` is how long it took.
    """

    job: ClaimedJob
    transition: Transition
    attempted_at: datetime | None = None
    run_seconds: float | None = None

    @property
    def id(self) -> int:
        return self.job.id

    @property
    def wait_seconds(self) -> float | None:
        """How long the job was in line before its handler was called."""
        if self.attempted_at is None:
            return None
        return max(0.0, (self.attempted_at - self.job.ready_at).total_seconds())


class Watermark(msgspec.Struct, frozen=True):
    """How far the head of a queue has moved among the jobs of one priority."""

    priority: int
    ready_at: datetime
    id: int = 0  #: of those that became ready at that moment, as all of one bulk do


class WantedJobs(msgspec.Struct, frozen=True):
    """How many jobs one queue may give to a claim; what lies before a watermark, one per priority
    at most, the highest first, is passed over.
    """

    queue: str
    limit: int
    watermarks: tuple[Watermark, ...] = ()


class JobFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs an operator means; every field that is set must match. An empty filter matches
    nothing.
    """

    ids: tuple[int, ...] | None = None
    handler: str | None = None
    queue: str | None = None
    fingerprint: str | None = None
    unique_key: str | None = None
    tag: str | None = None
    batch_id: int | None = None
    state: JobState | None = None
    reason: DeathReason | None = None

    @property
    def is_empty(self) -> bool:
        return all(getattr(self, name) is None for name in self.__struct_fields__)


class Cancelled(msgspec.Struct, frozen=True, kw_only=True):
    """How many waiting jobs were cancelled, and how many running ones were asked to stop."""

    cancelled: int = 0
    asked: int = 0


class Purged(msgspec.Struct, frozen=True, kw_only=True):
    """How many waiting jobs were cancelled and how many records removed, or would be."""

    cancelled: int = 0
    archived: int = 0
    dead: int = 0


class Edited(msgspec.Struct, frozen=True, kw_only=True):
    """What takes the place of a job's arguments, and of what was derived from them; `payload` is
    JSON text.
    """

    payload: str
    fingerprint: str
    unique_key: str | None


class WorkerIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says of itself when it registers."""

    id: UUID
    host: str
    pid: int
    version: str
    queues: tuple[str, ...]
    handlers: tuple[str, ...]
    concurrency: int


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a heartbeat; not `alive` once a reaper said so, or the row is gone."""

    alive: bool
    stop_requested: bool = False
    cancel_requested: tuple[int, ...] = ()
    released: tuple[int, ...] = ()
    up_to: datetime | None = None  #: where the next may begin, from stores that heed `since`


class Promoted(msgspec.Struct, frozen=True, kw_only=True):
    """Where jobs became ready, how many, and in how many seconds the next is due, if one is."""

    queues: tuple[str, ...]
    count: int
    next_due_seconds: float | None
    up_to: datetime | None = None  #: when the last of them was due, from stores that heed `since`


#: The type of the error that a job has when it was taken back from a worker that is gone; and the
#: message, where nobody saw more of its end than that its lease ran out.
WORKER_DIED, LEASE_LAPSED = "WorkerDied", "its worker died"


class Rescued(msgspec.Struct, frozen=True, kw_only=True):
    """What a reaper took back from one dead worker."""

    worker_id: UUID
    job_ids: tuple[int, ...]
    queues: tuple[str, ...]


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long final records are kept; queues override the defaults by name.

    With `queue`, only the records of that queue are meant. What is said `for_all` holds whatever
    queues say.
    """

    archive: timedelta
    dead: timedelta
    audit: timedelta = timedelta(days=90)
    queue: str | None = None
    archive_for_all: timedelta | None = None
    dead_for_all: timedelta | None = None


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows retention removed, or would remove."""

    archived: int = 0
    dead: int = 0
    attempts: int = 0
    workers: int = 0
    receipts: int = 0
    audits: int = 0
    limits: int = 0  #: rows of concurrency keys that no job has

    @property
    def largest(self) -> int:
        """How full the fullest batch was; attempts go with their job, and have none."""
        of_others = (self.workers, self.receipts, self.audits, self.limits)
        return max(self.archived, self.dead, *of_others)

    def __add__(self, other: "Pruned") -> "Pruned":
        names = self.__struct_fields__
        return Pruned(**{name: getattr(self, name) + getattr(other, name) for name in names})
