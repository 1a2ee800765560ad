"""The backend of Django's tasks framework that keeps its tasks as jobs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from django_jobqueue.core.clock import SystemClock
from django_jobqueue.events import events
from django_jobqueue.jobs.handlers import Handler
from django_jobqueue.jobs.options import JobOptions

from .declaring import handler_of_task
from .finishing import tell_framework, wants
from .framework import (
    BaseTaskBackend,
    Task,
    TaskResult,
    TaskResultDoesNotExist,
    TaskResultStatus,
    normalize_json,
    signals,
)
from .reading import find_result, id_of_spooled
from .results import about_task, shown
from .taking import TakesJobTasks
from .tasks import with_changes

if TYPE_CHECKING:
    from django_jobqueue.jobs.handles import JobHandle

#: Arguments of one call as they are stored.
_Call = tuple[Sequence[Any], Mapping[str, Any]]

# The import system's lock makes it once, although each thread has a backend of its own.
events.subscribe(tell_framework, wants=wants)


class JobQueueBackend(TakesJobTasks, BaseTaskBackend):
    """Enqueues tasks as jobs, in the caller's transaction, for `manage.py runjobs` to run.

    OPTIONS are options of @job for all tasks of the backend, which they may say otherwise, and
    `modules`: further modules whose tasks workers import, besides those named `tasks`. Ids are
    those of the jobs. A task that says nothing of retries runs once.
    """

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def enqueue(self, task: Task, args: Any, kwargs: Any) -> TaskResult:
        """Store a task, and return its result; that of the job with the same unique key, if it has
        one.

        TypeError for arguments that are no JSON, InvalidArguments for a call that the function
        would refuse, PayloadError for JSON that databases do not store.
        """
        order = self._order(task)
        call = normalize_json(list(args)), normalize_json(dict(kwargs))
        handle = order.enqueuer.enqueue(*call[0], **call[1])
        return self._enqueued(order, handle, call)

    def enqueue_many(self, task: Task, calls: Iterable[Any]) -> list[TaskResult]:
        """Store one task for each call, as `JobTask.enqueue_many` says."""
        order = self._order(task)
        given = [_spread(order.handler, index, call) for index, call in enumerate(calls)]
        handles = order.enqueuer.enqueue_many([kwargs or args for args, kwargs in given])
        return [
            self._enqueued(order, handle, call, position=position)
            for position, (handle, call) in enumerate(zip(handles, given, strict=True))
        ]

    def get_result(self, result_id: str) -> TaskResult:
        """Return the result of that id, also where its task is no longer known here.

        TaskResultDoesNotExist where no task has it, or its record was removed.
        """
        if (result := find_result(result_id)) is None:
            raise TaskResultDoesNotExist(result_id)
        return result

    def _order(self, task: Task) -> "_Order":
        self.validate_task(task)
        handler = handler_of_task(task, defaults=self.options)
        return _Order.of(task, handler, backend=self.alias)

    def _enqueued(
        self, order: "_Order", handle: "JobHandle", call: _Call, *, position: int = 0
    ) -> TaskResult:
        if not handle.created:
            return self.get_result(str(handle.id))
        if handle.receipt is not None:
            id = id_of_spooled(handle.receipt, position=position)
        else:
            id = str(handle.id)
        result = TaskResult(
            task=order.task,
            id=id,
            status=TaskResultStatus.READY,
            enqueued_at=shown(order.at),
            started_at=None,
            finished_at=None,
            last_attempted_at=None,
            args=list(call[0]),
            kwargs=dict(call[1]),
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )
        signals.task_enqueued.send(type(self), task_result=result)
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """One task about to be enqueued, its times told in full."""

    task: Task
    handler: Handler
    enqueuer: Any
    at: datetime

    @classmethod
    def of(cls, task: Task, handler: Handler, *, backend: str) -> "_Order":
        from django_jobqueue.jobs.enqueueing import Enqueuer  # late: it needs the models

        at = SystemClock().now()
        due, options = _due(task.run_after, at)
        options |= {
            "queue": task.queue_name,
            "priority": task.priority,
            "meta": about_task(backend=backend, enqueued_at=at, run_after=due),
        }
        said = JobOptions.of_call(options).over(getattr(task, "said", JobOptions()))
        return cls(
            task=with_changes(task, run_after=shown(due), backend=backend),
            handler=handler,
            enqueuer=Enqueuer(handler, said=said),
            at=at,
        )


def _due(run_after: object, at: datetime) -> tuple[datetime | None, dict[str, Any]]:
    """When the task is due, and the option that says so."""
    if isinstance(run_after, timedelta):
        return at + run_after, {"delay": run_after}
    if not isinstance(run_after, datetime):
        return None, {}
    due = run_after if timezone.is_aware(run_after) else timezone.make_aware(run_after)
    return due, {"run_at": due}


def _spread(handler: Handler, index: int, call: Any) -> _Call:
    args, kwargs = handler.spread(call)
    try:
        return normalize_json(list(args)), normalize_json(dict(kwargs))
    except (TypeError, ValueError) as error:
        raise type(error)(f"job {index} of the call: {error}") from error
