"""How long a job has waited for a handler that no worker knows: noted in its error, where the next
worker that does not know it finds the note.
"""

import json
from datetime import UTC, datetime

import msgspec

from django_jobqueue.core.specs import ClaimedJob, Transition

_TYPE = "HandlerNotRegistered"


def note(job: ClaimedJob, message: str, *, since: datetime) -> str:
    """Return the error of a job that waits for its handler since then."""
    fields = {"since": since.isoformat(), "reprocess_count": job.reprocess_count}
    return json.dumps({"type": _TYPE, "message": message, "fields": fields})


def noted_since(job: ClaimedJob) -> datetime | None:
    """Return since when the job waits, None if it does not.

    A note from before a run is worth nothing: somebody knew the handler then. Most runs remove it;
    that of a worker which died could not, but its rescue was counted.
    """
    if job.error is None:
        return None
    try:
        error = json.loads(job.error)
        if error["type"] == _TYPE and error["fields"]["reprocess_count"] == job.reprocess_count:
            return datetime.fromisoformat(error["fields"]["since"]).astimezone(UTC)
    except (TypeError, KeyError, ValueError, OverflowError):
        pass  # an error of another kind, or edited by hand
    return None


def without_note(job: ClaimedJob, transition: Transition) -> Transition:
    """Return what to write for a job that ran: a note is no error of its own."""
    if transition.error is not None or noted_since(job) is None:
        return transition
    return msgspec.structs.replace(transition, error=Transition.NO_ERROR)
