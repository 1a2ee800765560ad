"""The states a job can be in, and why a job may end as a dead letter."""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands; the first four live in the job table, the others end there."""

    SCHEDULED = "scheduled"  #: not due yet
    BLOCKED = "blocked"  #: due, but waiting for its key or for other jobs
    READY = "ready"  #: claimable, in line since `ready_at`
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"
    DEAD = "dead"

    @property
    def is_final(self) -> bool:
        return self in FINAL_STATES


LIVE_STATES = (JobState.SCHEDULED, JobState.BLOCKED, JobState.READY, JobState.RUNNING)
WAITING_STATES = (JobState.SCHEDULED, JobState.BLOCKED, JobState.READY)
ARCHIVED_STATES = (JobState.SUCCEEDED, JobState.CANCELLED)
FINAL_STATES = (*ARCHIVED_STATES, JobState.DEAD)


class DeathReason(StrEnum):
    """Why a dead letter will not run again without a person."""

    EXHAUSTED = "exhausted"  #: every allowed attempt failed
    DISCARDED = "discarded"  #: the handler gave it up
    UNPROCESSABLE = "unprocessable"  #: its arguments can never work
    HANDLER_MISSING = "handler_missing"  #: nobody registered its handler in time
    POISON = "poison"  #: taken back again and again without finishing
    EXPIRED = "expired"  #: its `expires_at` passed before it ran


class WorkerState(StrEnum):
    """Whether a worker is believed to live."""

    ALIVE = "alive"
    STOPPED = "stopped"  #: it said good-bye
    DEAD = "dead"  #: its lease ran out and a reaper said so
