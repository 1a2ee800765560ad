"""Bulk enqueueing by COPY: ids are reserved first, so that answers keep their order."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby, islice
from operator import attrgetter

import msgspec
from django.db.backends.base.base import BaseDatabaseWrapper

from django_jobqueue.core.specs import NewJob
from django_jobqueue.core.states import JobState

from . import sql
from .inserting import CHUNK, bounded_delay

#: What differs between most jobs of one call.
_OWN = ("payload", "fingerprint")
_NOT_AS_IT_IS = (
    "run_at",
    "delay",
    "max_attempts",
    "max_attempts_is_default",
    "unique_key",
    "unique_for",
    "on_conflict",
)
_AS_IT_IS = tuple(name for name in NewJob.__struct_fields__ if name not in (*_OWN, *_NOT_AS_IT_IS))
_terms_of = attrgetter(*_AS_IT_IS, "run_at", "delay", "max_attempts", "max_attempts_is_default")
_COPY = (
    f"COPY jobqueue_job (id, {', '.join(_OWN)}, state, run_at, ready_at, created_at, max_attempts, "
    f"{', '.join(_AS_IT_IS)}) FROM STDIN"
)
#: https://www.postgresql.org/docs/current/sql-copy.html
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"})


def copy_plain_jobs(
    connection: BaseDatabaseWrapper, jobs: Sequence[NewJob], now: datetime | None
) -> list[int]:
    """Store jobs without unique keys, in the caller's transaction; return their ids in order."""
    with connection.cursor() as cursor:
        cursor.execute(sql.load("postgresql", "reserve_ids"), {"now": now, "count": len(jobs)})
        [(ids, clock, attempts)] = cursor.fetchall()
        of_queues = msgspec.json.decode(attempts or "{}")
        # The server takes in one part while the next is written.
        with connection.wrap_database_errors, cursor.copy(_COPY) as copy:
            for part in _parts(jobs, ids, clock=clock, of_queues=of_queues):
                copy.write(part)
    return list(ids)


def _parts(
    jobs: Sequence[NewJob], ids: Sequence[int], *, clock: datetime, of_queues: Mapping[str, int]
) -> Iterator[str]:
    """The lines of all jobs, up to CHUNK of them at once."""
    numbers = iter(ids)
    # Neighbours differ in little: the rest of their lines is made once for all of them.
    for _, alike in groupby(jobs, key=_terms_of):
        while some := list(islice(alike, CHUNK)):
            rest = "\t".join(map(_field, _terms(some[0], clock, of_queues)))
            own = [(job.payload, job.fingerprint) for job in some]
            if _needs_escape("".join([text for pair in own for text in pair])):
                own = [(one.translate(_ESCAPES), other.translate(_ESCAPES)) for one, other in own]
            lines = [
                f"{job_id}\t{payload}\t{fingerprint}\t{rest}\n"
                for (payload, fingerprint), job_id in zip(own, numbers, strict=False)
            ]
            yield "".join(lines)


def _needs_escape(text: str) -> bool:
    return any(mark in text for mark in "\\\n\r\t")


def _terms(job: NewJob, clock: datetime, of_queues: Mapping[str, int]) -> tuple[object, ...]:
    attempts = job.max_attempts
    if job.max_attempts_is_default:
        attempts = of_queues.get(job.queue, attempts)
    due = max(job.run_at or clock, clock + timedelta(seconds=bounded_delay(job.delay)))
    state = JobState.SCHEDULED if due > clock else JobState.READY
    if job.waits_for is not None:
        state = JobState.BLOCKED
    return (state.value, due, clock, clock, attempts, *(getattr(job, name) for name in _AS_IT_IS))


def _field(value: object) -> str:
    if value is None:
        return r"\N"
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return text.translate(_ESCAPES)
