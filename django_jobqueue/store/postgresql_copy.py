"""Bulk enqueueing by COPY: ids are reserved first, so that answers keep their order."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from django_jobqueue.core.specs import NewJob
from django_jobqueue.core.states import JobState

from .inserting import bounded_delay

RESERVE = """
SELECT nextval(pg_get_serial_sequence('jobqueue_job', 'id')),
    COALESCE(%(now)s::timestamptz, clock_timestamp())
FROM generate_series(1, %(count)s)
"""
ATTEMPTS_OF_QUEUES = "SELECT name, max_attempts FROM jobqueue_queue WHERE max_attempts IS NOT NULL"
_NOT_AS_IT_IS = (
    "run_at",
    "delay",
    "max_attempts",
    "max_attempts_is_default",
    "unique_key",
    "unique_for",
    "on_conflict",
)
_AS_IT_IS = tuple(name for name in NewJob.__struct_fields__ if name not in _NOT_AS_IT_IS)
_options_of = attrgetter(*_AS_IT_IS)
COPY = (
    f"COPY jobqueue_job ({', '.join(_AS_IT_IS)}, "
    "max_attempts, id, state, run_at, ready_at, created_at) FROM STDIN"
)


def copy_plain_jobs(
    connection: BaseDatabaseWrapper, jobs: Sequence[NewJob], now: datetime | None
) -> list[int]:
    """Store jobs without unique keys, in the caller's transaction; return their ids in order."""
    with connection.cursor() as cursor:
        cursor.execute(RESERVE, {"now": now, "count": len(jobs)})
        reserved = cursor.fetchall()
        clock = reserved[0][1]
        cursor.execute(ATTEMPTS_OF_QUEUES)
        of_queues = dict(cursor.fetchall())
        with cursor.copy(COPY) as copy:
            for (job_id, _), job in zip(reserved, jobs, strict=True):
                copy.write_row(_columns(job_id, job, clock, of_queues))
    return [job_id for job_id, _ in reserved]


def _columns(
    job_id: int, job: NewJob, clock: datetime, of_queues: Mapping[str, int]
) -> tuple[Any, ...]:
    attempts = job.max_attempts
    if job.max_attempts_is_default:
        attempts = of_queues.get(job.queue, attempts)
    due = max(job.run_at or clock, clock + timedelta(seconds=bounded_delay(job.delay)))
    state = JobState.SCHEDULED if due > clock else JobState.READY
    if job.waits_for is not None:
        state = JobState.BLOCKED
    return (*_options_of(job), attempts, job_id, state.value, due, clock, clock)
