"""A background job queue for Django that keeps its jobs in the site's own database.

    from django_jobqueue import job

    @job(queue="email")
    def send_welcome(user_id: int) -> None: ...

    send_welcome.enqueue(user_id=1)

Every public name is here, and imported when it is first used: a settings file may import this
package before Django is set up.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .core.backoff import (
        Backoff,
        Constant,
        Custom,
        Exponential,
        Linear,
        NoRetry,
        Polynomial,
    )
    from .core.batch_errors import BatchFinished, BatchNotFound
    from .core.cron import Cron, CronString, every
    from .core.end_errors import JobExpired, JobLost
    from .core.errors import (
        HandlerAlreadyRegistered,
        HandlerNotRegistered,
        InvalidArguments,
        InvalidHandler,
        InvalidOptions,
        InvalidSettings,
        JobCancelled,
        JobFailed,
        JobInterrupt,
        JobNotFinished,
        JobNotFound,
        JobNotStored,
        JobQueueError,
        JobReleased,
        JobTimedOut,
        LeaseLost,
        PayloadError,
        PayloadTooLarge,
        RequeueRefused,
        SpoolUnusable,
        StateChanged,
        UniqueConflict,
    )
    from .core.outcomes import Answer, Cancel, Discard, Retry, Snooze, Succeed, Unprocessable
    from .core.result_errors import UnexpectedResult
    from .core.retry import RetryPolicy
    from .core.schedule_errors import (
        InvalidSchedule,
        ScheduleNotFound,
        TemplateNotFound,
        UnknownTimeZone,
    )
    from .core.states import DeathReason, JobState
    from .jobs.auditing import acting_as
    from .jobs.batches import Batch, BatchHandle
    from .jobs.calls import JobCall
    from .jobs.composition import chain
    from .jobs.context import JobContext
    from .jobs.control import cancel, discard, requeue, requeue_edited, retry, run_now
    from .jobs.decorators import job
    from .jobs.handles import JobHandle
    from .jobs.job_class import JobClass
    from .jobs.limits import clear_limit, set_limit
    from .jobs.queue import Queue
    from .jobs.queue_handlers import QueueHandler
    from .jobs.registry import registry
    from .jobs.removing import prune, purge
    from .jobs.schedules import Schedule
    from .jobs.templates import Template, enqueue_template
    from .jobs.why import why
    from .memory.channel import RunnerState
    from .memory.errors import (
        LineLost,
        PayloadNotSerialised,
        QueueClosed,
        QueueFull,
        QueueShutDown,
        QueueStopped,
    )
    from .memory.holds import LineBackend
    from .memory.jobs import MemoryJob, MemoryQueue
    from .memory.ledger import MemoryDeadLetter
    from .memory.line import Acquired, Busy, Line, LineStatus, Token
    from .memory.operations import OperationQueue
    from .permits.base import CancelJob, MarkSucceeded, PermitStrategy, TryAfter
    from .permits.breaker import Breaker
    from .worker.starting import StartedWorker, start_worker

__version__ = "0.1.0"

_HOMES = {
    "core.backoff": "Backoff Constant Custom Exponential Linear NoRetry Polynomial",
    "core.batch_errors": "BatchFinished BatchNotFound",
    "core.cron": "Cron CronString every",
    "core.end_errors": "JobExpired JobLost",
    "core.errors": (
        "HandlerAlreadyRegistered HandlerNotRegistered InvalidArguments InvalidHandler "
        "InvalidOptions InvalidSettings JobCancelled JobFailed JobInterrupt JobNotFinished "
        "JobNotFound JobNotStored JobQueueError JobReleased JobTimedOut LeaseLost "
        "PayloadError PayloadTooLarge RequeueRefused SpoolUnusable StateChanged "
        "UniqueConflict"
    ),
    "core.outcomes": "Answer Cancel Discard Retry Snooze Succeed Unprocessable",
    "core.result_errors": "UnexpectedResult",
    "core.retry": "RetryPolicy",
    "core.states": "DeathReason JobState",
    "core.schedule_errors": "InvalidSchedule ScheduleNotFound TemplateNotFound UnknownTimeZone",
    "jobs.auditing": "acting_as",
    "jobs.batches": "Batch BatchHandle",
    "jobs.calls": "JobCall",
    "jobs.composition": "chain",
    "jobs.context": "JobContext",
    "jobs.control": "cancel discard requeue requeue_edited retry run_now",
    "jobs.decorators": "job",
    "jobs.handles": "JobHandle",
    "jobs.job_class": "JobClass",
    "jobs.limits": "clear_limit set_limit",
    "jobs.queue": "Queue",
    "jobs.queue_handlers": "QueueHandler",
    "jobs.registry": "registry",
    "jobs.removing": "prune purge",
    "jobs.schedules": "Schedule",
    "jobs.templates": "Template enqueue_template",
    "jobs.why": "why",
    "memory.channel": "RunnerState",
    "memory.errors": (
        "LineLost PayloadNotSerialised QueueClosed QueueFull QueueShutDown QueueStopped"
    ),
    "memory.holds": "LineBackend",
    "memory.jobs": "MemoryJob MemoryQueue",
    "memory.ledger": "MemoryDeadLetter",
    "memory.line": "Acquired Busy Line LineStatus Token",
    "memory.operations": "OperationQueue",
    "permits.breaker": "Breaker",
    "permits.base": "CancelJob MarkSucceeded PermitStrategy TryAfter",
    "worker.starting": "StartedWorker start_worker",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "Acquired",
    "Answer",
    "Backoff",
    "Batch",
    "BatchFinished",
    "BatchHandle",
    "BatchNotFound",
    "Breaker",
    "Busy",
    "Cancel",
    "CancelJob",
    "Constant",
    "Cron",
    "CronString",
    "Custom",
    "DeathReason",
    "Discard",
    "Exponential",
    "HandlerAlreadyRegistered",
    "HandlerNotRegistered",
    "InvalidArguments",
    "InvalidHandler",
    "InvalidOptions",
    "InvalidSchedule",
    "InvalidSettings",
    "JobCall",
    "JobCancelled",
    "JobClass",
    "JobContext",
    "JobExpired",
    "JobFailed",
    "JobHandle",
    "JobInterrupt",
    "JobLost",
    "JobNotFinished",
    "JobNotFound",
    "JobNotStored",
    "JobQueueError",
    "JobReleased",
    "JobState",
    "JobTimedOut",
    "LeaseLost",
    "Line",
    "LineBackend",
    "LineLost",
    "LineStatus",
    "Linear",
    "MarkSucceeded",
    "MemoryDeadLetter",
    "MemoryJob",
    "MemoryQueue",
    "NoRetry",
    "OperationQueue",
    "PayloadError",
    "PayloadNotSerialised",
    "PayloadTooLarge",
    "PermitStrategy",
    "Polynomial",
    "Queue",
    "QueueClosed",
    "QueueFull",
    "QueueHandler",
    "QueueShutDown",
    "QueueStopped",
    "RequeueRefused",
    "Retry",
    "RetryPolicy",
    "RunnerState",
    "Schedule",
    "ScheduleNotFound",
    "Snooze",
    "SpoolUnusable",
    "StartedWorker",
    "StateChanged",
    "Succeed",
    "Template",
    "TemplateNotFound",
    "Token",
    "TryAfter",
    "UnexpectedResult",
    "UniqueConflict",
    "UnknownTimeZone",
    "Unprocessable",
    "acting_as",
    "cancel",
    "chain",
    "clear_limit",
    "discard",
    "enqueue_template",
    "every",
    "job",
    "prune",
    "purge",
    "registry",
    "requeue",
    "requeue_edited",
    "retry",
    "run_now",
    "set_limit",
    "start_worker",
    "why",
]


if not TYPE_CHECKING:  # they would take it for proof that a misspelt name exists

    def __getattr__(name: str) -> object:
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
