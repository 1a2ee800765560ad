"""A job and its runs as they stood when somebody looked."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from django_jobqueue.core.states import DeathReason, JobState


class JobSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it stood when it was looked up, in whichever table; JSON columns are decoded."""

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
    attempted_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    cancel_requested_at: datetime | None
    fingerprint: str
    unique_key: str | None
    concurrency_key: str | None
    reason: DeathReason | None
    result: object
    error: Mapping[str, object] | None
    progress: object
    meta: object
    tags: object
    worker_id: UUID | None
    claim_token: UUID | None
    template: str | None
    schedule: str | None
    slot: datetime | None
    requeued_from: int | None


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
    log: object
