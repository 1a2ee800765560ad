"""What SQLite answers to a claim: one text, of which all jobs are made at once."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from django_jobqueue.core.specs import ClaimedJob

from .connected import Row

Aware = Callable[[datetime | str], datetime]

#: The fields of a claimed job, in their order, as `claimed_facts` tells them.
_Facts = tuple[
    int,
    str,
    str,
    str,
    int,
    int,
    int,
    int,
    int,
    datetime,
    datetime,
    datetime,
    bool,
    None,
    float | None,
    str | None,
    str,
    str | None,
    str | None,
    str,
    str,
    str | None,
    str | None,
    bool,
    int | None,
]
#: Not strict: SQLite has 0 and 1 for False and True.
_facts = msgspec.json.Decoder(list[_Facts], strict=False)
_anything = msgspec.json.Decoder(list[list[Any]])

#: Where the times of a row begin, what stands behind them, and where `unreadable` is.
_TIMES, _EXPIRED, _UNREADABLE = slice(9, 12), 12, 13
_ZONE = "+00:00"


def claimed_jobs(text: str, *, token: UUID, worker_id: UUID, aware: Aware) -> list[ClaimedJob]:
    """Return the jobs that an answer of `claimed_facts` is about, in its order."""
    try:
        return [ClaimedJob(*facts, token, worker_id) for facts in _facts.decode(text)]
    except (
        msgspec.ValidationError
    ):  # one of them was edited by hand, and keeps no other from running
        rows = _anything.decode(text)
        return [claimed_job(row, token=token, worker_id=worker_id, aware=aware) for row in rows]


def claimed_job(
    row: Sequence[Any] | Row, *, token: UUID, worker_id: UUID, aware: Aware
) -> ClaimedJob:
    """Return the job of one row, whose times may be anything."""
    facts: list[Any] = list(row)
    claimed_at, *others = [_without_zone(moment) for moment in facts[_TIMES]]
    claimed_at = aware(claimed_at)
    try:
        times = [aware(moment) for moment in others]
    except (AttributeError, ValueError, OverflowError):
        ready_at, created_at = others
        facts[_UNREADABLE] = f"ready_at {ready_at}, created_at {created_at}"
        times = [claimed_at] * len(others)
    facts[_TIMES] = [claimed_at, *times]
    facts[_EXPIRED], facts[-2] = bool(facts[_EXPIRED]), bool(facts[-2])
    facts += [token, worker_id]
    return ClaimedJob(*facts)


def _without_zone(moment: Any) -> Any:
    return moment.removesuffix(_ZONE) if isinstance(moment, str) else moment
