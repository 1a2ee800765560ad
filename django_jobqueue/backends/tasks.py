"""Tasks that take the options of @job."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from asgiref.sync import sync_to_async

from django_jobqueue.core.errors import InvalidOptions, JobQueueError
from django_jobqueue.jobs.handlers import HandlerOptions
from django_jobqueue.jobs.options import CallOptions, JobOptions, refuse_unknown
from django_jobqueue.jobs.registry import registry

from .framework import InvalidTask, Task, TaskResult


class TaskOptions(HandlerOptions, CallOptions, total=False):
    """What `using` of a task takes besides its own parameters."""


#: What a task calls otherwise.
_OWN_WORDS = {"queue": "queue_name", "run_at": "run_after", "delay": "run_after"}


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class JobTask(Task):
    """A task with the options of @job, given to the decorator or, for one call, to `using`.

    `run_after` may be a timedelta, which counts from each enqueue. On Django 6.0, whose decorator
    takes no further options, `using` takes those of the handler too, said where the task is
    declared. TypeError for an option that does not exist, InvalidTask for one that is wrong.
    """

    #: What the decorator was given; two tasks of one function differ by what Django compares.
    options: Mapping[str, Any] = field(default_factory=dict, compare=False)
    #: What `using` said of single jobs.
    said: JobOptions = field(default_factory=JobOptions, compare=False, repr=False)

    def __init__(
        self,
        *,
        func: Callable[..., Any],
        priority: int = 0,
        backend: str = "default",
        queue_name: str = "default",
        run_after: datetime | timedelta | None = None,
        takes_context: bool = False,
        options: Mapping[str, Any] | None = None,
        said: JobOptions | None = None,
        **more: Any,
    ) -> None:
        given: dict[str, Any] = {
            "func": func,
            "priority": priority,
            "backend": backend,
            "queue_name": queue_name,
            "run_after": run_after,
            "takes_context": takes_context,
            "options": {**(options or {}), **_checked(more, HandlerOptions)},
            "said": said or JobOptions(),
        }
        for name, value in given.items():
            object.__setattr__(self, name, value)
        self.__post_init__()

    def __post_init__(self) -> None:
        # Before Python 3.14, super() without arguments finds the class that slots=True replaced.
        super(JobTask, self).__post_init__()
        from .declaring import declare  # late: it knows this class

        try:
            declare(self, defaults=self.get_backend().options)
        except JobQueueError as error:
            raise InvalidTask(str(error)) from error

    def using(
        self,
        *,
        priority: int | None = None,
        queue_name: str | None = None,
        run_after: datetime | timedelta | None = None,
        backend: str | None = None,
        **more: Any,
    ) -> "JobTask":
        """Return the task with other options; tags are added and meta is merged."""
        changes: dict[str, Any] = {
            "priority": priority,
            "queue_name": queue_name,
            "run_after": run_after,
            "backend": backend,
        }
        changes = {name: value for name, value in changes.items() if value is not None}
        given = _checked(more, TaskOptions)
        call = {name: given.pop(name) for name in list(given) if _is_of_call(name)}
        try:
            said = JobOptions.of_call(call).over(self.said)
        except InvalidOptions as error:
            raise InvalidTask(str(error)) from error
        kept = {item.name: getattr(self, item.name) for item in fields(self)}
        return type(self)(**{**kept, **changes, "said": said, "options": {**self.options, **given}})

    def enqueue_many(self, calls: Iterable[Any]) -> list[TaskResult]:
        """Enqueue one job for each call, in one go; the results come in the order of `calls`.

        Each call is a dictionary of keyword arguments, or a list or tuple of positional ones. All
        are checked before any SQL, and the error names the index of the first that is wrong;
        backends that store nothing take them one after the other.
        """
        backend: Any = self.get_backend()
        if not hasattr(backend, "enqueue_many"):  # one of the framework's own
            spread = registry.get(name_of_task(self)).spread
            return [self.enqueue(*args, **kwargs) for args, kwargs in map(spread, calls)]
        enqueued: list[TaskResult] = backend.enqueue_many(self, calls)
        return enqueued

    async def aenqueue_many(self, calls: Iterable[Any]) -> list[TaskResult]:
        """As `enqueue_many`."""
        return await sync_to_async(self.enqueue_many, thread_sensitive=True)(calls)


def name_of_task(task: Task) -> str:
    """Return the name by which rows know a task."""
    return str(getattr(task, "options", {}).get("name", task.module_path))


def with_changes(task: Task, **changes: object) -> Task:
    """Return a copy that is not validated: of a task that was, once, under whatever settings."""
    kept = {item.name: getattr(task, item.name) for item in fields(task)}
    return unvalidated(type(task), **{**kept, **changes})


def unvalidated(kind: type[Task], **values: object) -> Task:
    """Return a task of that class with these values, whether or not its backend would take it."""
    task = object.__new__(kind)
    for name, value in values.items():
        object.__setattr__(task, name, value)
    return task


def _is_of_call(name: str) -> bool:
    return name in CallOptions.__annotations__


def _checked(given: Mapping[str, Any], kind: type) -> dict[str, Any]:
    for option, word in _OWN_WORDS.items():
        if option in given:
            raise TypeError(f"a task says {word!r} for {option!r}")
    try:
        refuse_unknown(given, known=kind.__annotations__)
    except InvalidOptions as error:
        raise TypeError(str(error)) from error
    return dict(given)
