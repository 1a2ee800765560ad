"""The jobs of a census that will not run again without a person, as pages and reports tell them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django_jobqueue.models import DeadJob

from .models import Census
from .progress import ANALYSE_FILE
from .recording import displayed_path


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """`subject` is the file, or for other handlers the job; `error` its type and its message."""

    id: int
    subject: str
    reason: str
    error: str
    attempt: int


def dead_letters_of(census: Census) -> Sequence[DeadLetter]:
    """Return the dead letters of a census in the order of their files."""
    rows = DeadJob.objects.filter(fingerprint=census.fingerprint).order_by("id")
    return [_told(row, census) for row in rows]


def _told(row: DeadJob, census: Census) -> DeadLetter:
    error: Mapping[str, object] = row.error or {}
    return DeadLetter(
        id=row.pk,
        subject=_subject(row, census),
        reason=row.reason,
        error=f"{error.get('type', 'no error')}: {error.get('message', '')}",
        attempt=row.attempt,
    )


def _subject(row: DeadJob, census: Census) -> str:
    if row.handler == ANALYSE_FILE:
        path = row.payload.get("kwargs", {}).get("path")
        if isinstance(path, str):
            return displayed_path(Path(path), census=census)
    return str(row)
