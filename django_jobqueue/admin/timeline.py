"""The story of one job: its times in order, and its kept runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from django_jobqueue.models import AttemptRecord

from .display import HIDDEN, span, visible

#: A job may have thousands of runs, each with a traceback: the newest are shown.
ATTEMPTS_SHOWN = 50

_MOMENTS = (
    ("created_at", _("enqueued")),
    ("run_at", _("not to run before")),
    ("ready_at", _("ready since")),
    ("claimed_at", _("claimed")),
    ("attempted_at", _("handler began")),
    ("cancel_requested_at", _("asked to stop")),
    ("deadline_at", _("deadline of this run")),
    ("expires_at", _("expires")),
    ("finished_at", _("finished")),
)


class Moment(NamedTuple):
    label: object
    at: datetime
    after: str  #: how long after the moment before it


class Run(NamedTuple):
    record: AttemptRecord
    took: str
    error: object
    traceback: str
    lines: str


def timeline(job: Model) -> list[Moment]:
    """Return what is known of when, the earliest first; moments at one time stay in the order of a
    job's life.
    """
    known = [(at, label) for name, label in _MOMENTS if (at := getattr(job, name, None))]
    known.sort(key=lambda moment: moment[0])
    before = [None, *(at for at, _label in known)]
    return [
        Moment(label, at, span(None if previous is None else at - previous))
        for previous, (at, label) in zip(before, known, strict=False)
    ]


def runs_of(job_id: int, *, using: str, readable: bool) -> tuple[list[Run], bool]:
    """Return the newest kept runs, the latest first, and whether there are more.

    What a run said is not even read from the database unless it is `readable`.
    """
    rows = AttemptRecord.objects.using(using).filter(job_id=job_id).order_by("-id")
    if not readable:
        rows = rows.defer("error_type", "message", "traceback", "log")
    found = list(rows[: ATTEMPTS_SHOWN + 1])
    shown = [_run(record, readable=readable) for record in found[:ATTEMPTS_SHOWN]]
    return shown, len(found) > ATTEMPTS_SHOWN


def _run(record: AttemptRecord, *, readable: bool) -> Run:
    took = span(None if record.started_at is None else record.ended_at - record.started_at)
    if not readable:
        return Run(record, took, HIDDEN, "", "")
    error = ": ".join(part for part in (record.error_type, record.message) if part)
    return Run(record, took, visible(error), visible(record.traceback), _lines(record.log))


def _lines(log: Any) -> str:
    lines: Sequence[object] = log if isinstance(log, list) else [log]
    return "\n".join(visible(line) for line in lines)
