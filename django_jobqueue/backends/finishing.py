"""The framework's `task_finished`, once the outcome of a task is written."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from django_jobqueue.core.clock import SystemClock
from django_jobqueue.core.errors import JobQueueError
from django_jobqueue.core.specs import ClaimedJob, Transition
from django_jobqueue.core.states import JobState

from .errors import error_of_end, error_of_run, failed_by_itself
from .framework import TaskError, TaskResult, TaskResultStatus, signals
from .reading import find_result
from .results import ABOUT, is_task, running_result, shown, with_value
from .running import earlier_runs, run_of
from .senders import sender_of

_WAITING = "job.cancelled_waiting"
_EVENTS = ("job.succeeded", "job.cancelled", "job.dead", "job.rescheduled", _WAITING)


class TaskFailed(JobQueueError):
    """A task failed in another process, or before it ran; the message is what is kept of that."""


def wants(event: str) -> bool:
    """Which events are told to `tell_framework`."""
    return event in _EVENTS


def tell_framework(event: str, facts: Mapping[str, Any]) -> None:
    """Subscribe this to an EventBus: send `task_finished` for each task that is final.

    In the thread that tells what ended, after the commit. Receivers find the exception in
    `sys.exc_info()`, or one that tells of it where it was raised in another process.
    """
    if event == _WAITING:
        _tell_stored(facts["job_id"])
        return
    job, transition = facts["job"], facts["transition"]
    if not is_task(job.handler, {ABOUT: None} if ABOUT in job.meta else {}):
        return
    run = run_of(job)
    if run is not None:
        error, run.error = run.error, None  # its traceback holds the run in turn
        if transition.state.is_final:
            _send(_finished(run.result, transition), error)
    elif transition.state.is_final:
        _tell_of_no_run(job, transition)


def _tell_of_no_run(job: ClaimedJob, transition: Transition) -> None:
    """The task ran in another process, or not at all."""
    if transition.attempt_change < 0:
        _tell_stored(job.id)
    else:
        _send(_finished(running_result(job, earlier_runs(job)), transition), None)


def _tell_stored(job_id: int) -> None:
    if (result := find_result(job_id)) is not None:
        _send(result, None)


def _finished(result: TaskResult, transition: Transition) -> TaskResult:
    """The running result, as the transition has ended it."""
    has_succeeded = transition.state is JobState.SUCCEEDED
    status = TaskResultStatus.SUCCESSFUL if has_succeeded else TaskResultStatus.FAILED
    now = shown(SystemClock().now())
    finished_at = max(one for one in (now, result.last_attempted_at) if one is not None)
    told: dict[str, Any] = {"status": status, "finished_at": finished_at}
    if not has_succeeded:
        told["errors"] = [*result.errors, _error_of(transition)]
    value = None if transition.result is None else json.loads(transition.result)
    return with_value(dataclasses.replace(result, **told), value)


def _error_of(transition: Transition) -> TaskError:
    if (report := transition.report) is not None and failed_by_itself(report.outcome):
        return error_of_run(report)
    error = None if transition.error is None else json.loads(transition.error)
    return error_of_end(transition.state, transition.reason, error)


def _send(result: TaskResult, error: BaseException | None) -> None:
    if result.status == TaskResultStatus.SUCCESSFUL:
        signals.task_finished.send_robust(sender=sender_of(result), task_result=result)
        return
    try:
        raise error or TaskFailed(result.errors[-1].traceback)
    except BaseException:
        signals.task_finished.send_robust(sender=sender_of(result), task_result=result)
