"""Bulk enqueueing by COPY: ids are reserved first, so that answers keep their order."""

from collections.abc import Sequence
from datetime import datetime, timedelta
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
COPY = """
COPY jobqueue_job (
    id, handler, queue, priority, payload, state, run_at, ready_at, created_at, expires_at,
    max_attempts, timeout_seconds, backoff, fingerprint, unique_while, concurrency_key,
    key_limit, tags, meta, batch_id, template, schedule, slot, requeued_from, waits_for, result_as,
    on_failure, has_next
) FROM STDIN
"""


def copy_plain_jobs(
    connection: BaseDatabaseWrapper, jobs: Sequence[NewJob], now: datetime | None
) -> list[int]:
    """Store jobs without unique keys, in the caller's transaction; return their ids in order."""
    with connection.cursor() as cursor:
        cursor.execute(RESERVE, {"now": now, "count": len(jobs)})
        reserved = cursor.fetchall()
        clock = reserved[0][1]
        with cursor.copy(COPY) as copy:
            for (job_id, _), job in zip(reserved, jobs, strict=True):
                copy.write_row(_columns(job_id, job, clock))
    return [job_id for job_id, _ in reserved]


def _columns(job_id: int, job: NewJob, clock: datetime) -> tuple[Any, ...]:
    due = max(job.run_at or clock, clock + timedelta(seconds=bounded_delay(job.delay)))
    state = JobState.SCHEDULED if due > clock else JobState.READY
    if job.waits_for is not None:
        state = JobState.BLOCKED
    return (
        job_id,
        job.handler,
        job.queue,
        job.priority,
        job.payload,
        state.value,
        due,
        clock,
        clock,
        job.expires_at,
        job.max_attempts,
        job.timeout_seconds,
        job.backoff,
        job.fingerprint,
        job.unique_while,
        job.concurrency_key,
        job.key_limit,
        job.tags,
        job.meta,
        job.batch_id,
        job.template,
        job.schedule,
        job.slot,
        job.requeued_from,
        job.waits_for,
        job.result_as,
        job.on_failure,
        job.has_next,
    )
