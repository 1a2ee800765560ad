"""Why a task failed, as the framework tells it."""

from collections.abc import Mapping
from typing import Any

from django_jobqueue.core.snapshots import AttemptSnapshot
from django_jobqueue.core.specs import WORKER_DIED, AttemptReport
from django_jobqueue.core.states import DeathReason, JobState

from .framework import TaskError

_FAILURES = ("failed", DeathReason.DISCARDED.value, DeathReason.UNPROCESSABLE.value)
#: What the error of a job calls its type, where that names no exception that was raised.
_CLASSES = {
    "Retry": "django_jobqueue.Retry",
    "Discard": "django_jobqueue.Discard",
    "Unprocessable": "django_jobqueue.Unprocessable",
    "UnwritableOutcome": "django_jobqueue.Unprocessable",
    WORKER_DIED: "django_jobqueue.JobLost",
    "": "django_jobqueue.JobFailed",
}
_CLASSES_OF_DEATHS = {
    DeathReason.EXPIRED: "django_jobqueue.JobExpired",
    DeathReason.POISON: "django_jobqueue.JobLost",
    DeathReason.HANDLER_MISSING: "django_jobqueue.HandlerNotRegistered",
}


def error_of_run(run: AttemptSnapshot | AttemptReport) -> TaskError:
    """Return the error of a run that failed."""
    path = _CLASSES.get(run.error_type) or _full(run.error_type)
    return TaskError(exception_class_path=path, traceback=run.traceback or _text(path, run.message))


def error_of_end(
    state: JobState, reason: DeathReason | None, error: Mapping[str, Any] | None
) -> TaskError:
    """Return why a job ended that its own run did not end; `error` is what its record says."""
    told = error or {}
    kind, message = str(told.get("type", "")), str(told.get("message", ""))
    if state is JobState.CANCELLED:
        path = "django_jobqueue.JobCancelled"
    else:
        of_death = _CLASSES_OF_DEATHS.get(reason) if reason else None
        path = of_death or _CLASSES.get(kind) or _full(kind)
    return TaskError(exception_class_path=path, traceback=_text(path, message))


def failed_by_itself(outcome: str) -> bool:
    """Whether a run with this outcome is one that the framework calls failed."""
    return outcome in _FAILURES


def ends_a_run(state: JobState, reason: DeathReason | None) -> bool:
    """Whether a job that ended so was ended by what its run did, rather than before a run."""
    return state is JobState.DEAD and reason not in _CLASSES_OF_DEATHS


def _full(name: str) -> str:
    return name if "." in name else f"builtins.{name}"


def _text(path: str, message: str) -> str:
    name = path.rpartition(".")[2]
    return f"{name}: {message}\n" if message else f"{name}\n"
