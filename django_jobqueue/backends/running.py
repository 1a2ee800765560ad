"""Runs of tasks: what a worker calls, and what the framework hears of it while it runs."""

import functools
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

from asgiref.sync import sync_to_async

from django_jobqueue.core.error_text import describe_error
from django_jobqueue.core.errors import PayloadError
from django_jobqueue.core.outcomes import Answer, Succeed, Unprocessable
from django_jobqueue.core.payloads import MAX_RESULT_BYTES, dump_payload
from django_jobqueue.core.snapshots import AttemptSnapshot
from django_jobqueue.core.specs import ClaimedJob
from django_jobqueue.jobs.context import JobContext

from .arguments import CONTEXT
from .framework import Task, TaskContext, TaskResult, normalize_json, signals
from .results import running_result
from .senders import sender_of


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTaskContext(TaskContext):
    """What a task with `takes_context` is given; `job` is the context that jobs have."""

    job: JobContext


class Run:
    """One run of a task in this process, kept by its JobContext until its outcome is written."""

    __slots__ = ("__weakref__", "error", "result")

    def __init__(self, result: TaskResult) -> None:
        self.result = result
        self.error: BaseException | None = None


_runs: WeakValueDictionary[tuple[int, UUID], Run] = WeakValueDictionary()


def run_of(job: ClaimedJob) -> Run | None:
    """Return the run of this claim, if it was in this process and nobody has asked before."""
    return _runs.pop((job.id, job.claim_token), None)


def calling(task: Task) -> Callable[..., Any]:
    """Return what a worker calls in a thread."""

    @functools.wraps(task.func)
    def call(*args: Any, **kwargs: Any) -> Any:
        context: JobContext = kwargs.pop(CONTEXT)
        run = _begun(context, earlier_runs(context.job))
        signals.task_started.send_robust(sender=sender_of(run.result), task_result=run.result)
        try:
            value = task.func(*_leading(task, run, context), *args, **kwargs)
        except Succeed as success:
            value = success
        except BaseException as error:
            run.error = error
            raise
        return _answer(value, run)

    return call


def calling_async(task: Task) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Return what a worker awaits in its event loop."""

    @functools.wraps(task.func)
    async def call(*args: Any, **kwargs: Any) -> Any:
        context: JobContext = kwargs.pop(CONTEXT)
        run = await _begun_async(context)
        try:
            value = await task.func(*_leading(task, run, context), *args, **kwargs)
        except Succeed as success:
            value = success
        except BaseException as error:
            run.error = error
            raise
        return _answer(value, run)

    return call


def earlier_runs(job: ClaimedJob) -> Sequence[AttemptSnapshot]:
    """Return the kept runs of a claimed job; none are looked for where it is its first."""
    if job.attempt == 1:
        return ()
    from django_jobqueue.jobs.site import site_store  # late: tasks are declared before models are

    return site_store().attempts_of(job.id)


def _begun(context: JobContext, earlier: Sequence[AttemptSnapshot]) -> Run:
    job = context.job
    run = Run(running_result(job, earlier, began_at=context.attempted_at))
    context.kept = _runs[job.id, job.claim_token] = run
    return run


async def _begun_async(context: JobContext) -> Run:
    earlier: Sequence[AttemptSnapshot] = ()
    if context.job.attempt > 1:
        earlier = await sync_to_async(earlier_runs, thread_sensitive=True)(context.job)
    run = _begun(context, earlier)
    told = {"sender": sender_of(run.result), "task_result": run.result}
    if _only_the_log_hears():
        # Receivers are called in the thread that all coroutines share for their database calls,
        # where a long call of one task would keep the others from their start.
        signals.task_started.send_robust(**told)
    else:
        await signals.task_started.asend_robust(**told)
    return run


def _only_the_log_hears() -> bool:
    log = id(signals.log_task_started)
    return all(receiver[0][0] == log for receiver in signals.task_started.receivers)


def _leading(task: Task, run: Run, context: JobContext) -> Sequence[TaskContext]:
    if not task.takes_context:
        return ()
    return (JobTaskContext(task_result=run.result, job=context),)


def _answer(value: object, run: Run) -> object:
    """What the task answered; a value that is no JSON ends it, as the framework says."""
    if isinstance(value, Succeed):
        value = value.result
    if value is None or isinstance(value, Answer):
        return value
    try:
        return _storable(value)
    except Exception as error:
        run.error = error
        raise Unprocessable(str(error), error=describe_error(error)) from error


def _storable(value: object) -> object:
    plain = normalize_json(value)
    try:
        dump_payload(plain, max_bytes=MAX_RESULT_BYTES)
    except PayloadError as error:
        raise TypeError(f"the task returned what cannot be stored: {error}") from error
    return plain
