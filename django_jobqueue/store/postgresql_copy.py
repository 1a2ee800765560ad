"""Bulk enqueueing by COPY: ids are reserved first, so that answers keep their order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from struct import Struct
from typing import Any

import msgspec
from django.db import DataError
from django.db.backends.base.base import BaseDatabaseWrapper

from django_jobqueue.core.specs import NewJob
from django_jobqueue.core.states import JobState

from . import sql
from .inserting import CHUNK, DEFAULTS, bounded_delay

#: Jobs that differ in nothing but their payload and fingerprint.
_Alike = Sequence[NewJob]
#: Returns a value as a field holds it.
_Form = Callable[[Any], bytes]

# The binary form of rows and values, which takes the server a third less time than text:
# https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_JSON = b"\x01"  # the version of jsonb's form
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_length = Struct("!i").pack
#: The number of columns, the length of the id, the id, and the length of the payload.
_begin_row = Struct("!hiqi").pack


def _text(value: str) -> bytes:
    return value.encode()


def _json(value: str) -> bytes:
    return _JSON + value.encode()


def _time(value: datetime) -> bytes:
    return _number((value - _EPOCH) // _MICROSECOND, size=8)


def _bigint(value: int) -> bytes:
    return _number(value, size=8)


def _integer(value: int) -> bytes:
    return _number(value, size=4)


def _smallint(value: int) -> bytes:
    return _number(value, size=2)


def _number(value: int, *, size: int) -> bytes:
    try:
        return value.to_bytes(size, "big", signed=True)
    except OverflowError as error:
        raise DataError(f"{value} is out of range") from error


#: What every job has besides its own.
_COMMON: Mapping[str, _Form] = {
    "handler": _text,
    "queue": _text,
    "state": _text,
    "run_at": _time,
    "ready_at": _time,
    "created_at": _time,
    "max_attempts": _integer,
}
#: What may be left to the defaults of the table.
_OPTIONAL: Mapping[str, _Form] = {
    "priority": _smallint,
    "expires_at": _time,
    "timeout_seconds": Struct("!d").pack,
    "backoff": _json,
    "unique_while": _text,
    "concurrency_key": _text,
    "key_limit": _integer,
    "tags": _json,
    "meta": _json,
    "batch_id": _bigint,
    "template": _text,
    "schedule": _text,
    "slot": _time,
    "requeued_from": _bigint,
    "waits_for": _bigint,
    "result_as": _text,
    "on_failure": _text,
    "has_next": Struct("!?").pack,
}


def copy_plain_jobs(
    connection: BaseDatabaseWrapper, jobs: Sequence[NewJob], now: datetime | None
) -> list[int]:
    """Store jobs without unique keys, in the caller's transaction; return their ids in order."""
    # Neighbours differ in little: the rest of their rows is made once for all of them.
    groups = [list(alike) for _, alike in groupby(jobs, key=_without_its_own)]
    filled = [name for name in _OPTIONAL if _is_filled(name, groups)]
    columns = ", ".join(("id", "payload", "fingerprint", *_COMMON, *filled))
    with connection.cursor() as cursor:
        cursor.execute(sql.load("postgresql", "reserve_ids"), {"now": now, "count": len(jobs)})
        [(ids, clock, attempts)] = cursor.fetchall()
        of_queues = msgspec.json.decode(attempts or "{}")
        numbers = iter(ids)
        statement = f"COPY jobqueue_job ({columns}) FROM STDIN (FORMAT binary)"
        # The server takes in one part while the next is written.
        with connection.wrap_database_errors, cursor.copy(statement) as copy:
            copy.write(_BEGIN)
            for alike in groups:
                rest = _rest_of(alike[0], filled, clock=clock, of_queues=of_queues)
                for part in _parts(alike, numbers, rest=rest, count=3 + len(_COMMON) + len(filled)):
                    copy.write(part)
            copy.write(_END)
    return list(ids)


def _without_its_own(job: NewJob) -> NewJob:
    return msgspec.structs.replace(job, payload="", fingerprint="")


def _is_filled(name: str, groups: Sequence[_Alike]) -> bool:
    return any(getattr(alike[0], name) != DEFAULTS[name] for alike in groups)


def _parts(alike: _Alike, numbers: Iterator[int], *, rest: bytes, count: int) -> Iterator[bytes]:
    """The rows of these jobs, up to CHUNK of them at once; `count` is that of their columns."""
    for start in range(0, len(alike), CHUNK):
        rows: list[bytes] = []
        for job in alike[start : start + CHUNK]:
            payload, fingerprint = job.payload.encode(), job.fingerprint.encode()
            rows += (
                _begin_row(count, 8, next(numbers), len(_JSON) + len(payload)),
                _JSON,
                payload,
                _length(len(fingerprint)),
                fingerprint,
                rest,
            )
        yield b"".join(rows)


def _rest_of(
    job: NewJob, filled: Sequence[str], *, clock: datetime, of_queues: Mapping[str, int]
) -> bytes:
    """What jobs like this one have in common."""
    attempts = job.max_attempts
    if job.max_attempts_is_default:
        attempts = of_queues.get(job.queue, attempts)
    due = max(job.run_at or clock, clock + timedelta(seconds=bounded_delay(job.delay)))
    state = JobState.SCHEDULED if due > clock else JobState.READY
    if job.waits_for is not None:
        state = JobState.BLOCKED
    common = (job.handler, job.queue, state.value, due, clock, clock, attempts)
    fields = [(form, value) for form, value in zip(_COMMON.values(), common, strict=True)]
    fields += [(_OPTIONAL[name], getattr(job, name)) for name in filled]
    return b"".join([_field(value, form=form) for form, value in fields])


def _field(value: object, *, form: _Form) -> bytes:
    if value is None:
        return _NULL
    data = form(value)
    return _length(len(data)) + data
