"""From a task to the handler that runs it."""

from collections.abc import Mapping
from typing import Any

from django_jobqueue.core.errors import HandlerAlreadyRegistered
from django_jobqueue.jobs.handlers import Handler, HandlerOptions
from django_jobqueue.jobs.registry import registry
from django_jobqueue.jobs.targets import Target, is_async

from .arguments import CONTEXT, PlainArguments
from .framework import Task, base
from .running import calling, calling_async
from .tasks import name_of_task

#: Keys of a backend's OPTIONS that are no options of its tasks.
MODULES = "modules"
_ATTEMPTS = ("max_attempts", "max_retries")


def declare(task: Task, *, defaults: Mapping[str, Any]) -> Handler:
    """Register the handler of a task, unless it is; `defaults` are the OPTIONS of its backend.

    A task of the same name takes the place of the one before: its module was loaded again, or its
    options are said with `using`. HandlerAlreadyRegistered if another @job has the name.
    """
    handler = _found(task)
    if handler is None or not _is_declared_by(handler, task):
        replace = handler is not None
        handler = _handler_of(task, defaults)
        registry.register(handler, replace=replace)
    return handler


def handler_of_task(task: Task, *, defaults: Mapping[str, Any]) -> Handler:
    """Return the handler of a task, which is registered now if it is not: that of a task which was
    declared for another backend.
    """
    handler = _found(task)
    return declare(task, defaults=defaults) if handler is None else handler


def _found(task: Task) -> Handler | None:
    name = name_of_task(task)
    if name not in registry:
        return None
    handler = registry.get(name)
    declared = handler.declared
    if not isinstance(declared, base.Task) or declared.module_path != task.module_path:
        raise HandlerAlreadyRegistered(name, advice="Give the task a name of its own.")
    return handler


def _is_declared_by(handler: Handler, task: Task) -> bool:
    declared: Any = handler.declared
    return (
        declared.func is task.func
        and declared.takes_context == task.takes_context
        and _options_of(declared) == _options_of(task)
    )


def _options_of(task: Task) -> Mapping[str, Any]:
    """Those of @job; a task that was declared for another backend has none."""
    return getattr(task, "options", {})


def _handler_of(task: Task, defaults: Mapping[str, Any]) -> Handler:
    own = _options_of(task)
    options = {name: value for name, value in defaults.items() if name in _known()}
    if any(name in own for name in _ATTEMPTS):
        options = {name: options[name] for name in options if name not in _ATTEMPTS}
    options |= own
    if not any(name in options for name in (*_ATTEMPTS, "backoff", "retry_on")):
        # As everywhere in the framework: what nobody asked to be repeated runs once.
        options["max_attempts"] = 1
    options |= {
        "name": name_of_task(task),
        "queue": task.queue_name,
        "priority": task.priority,
    }
    return Handler.of(task, target_of=_target_of, **options)


def _known() -> Mapping[str, Any]:
    return HandlerOptions.__annotations__


def _target_of(declared: Any, *, name: str) -> Target:
    task: Task = declared
    runs_in_loop = is_async(task.func, name)  # type: ignore[arg-type]  # validated as a function
    arguments = PlainArguments.of_task(task.func, name=name, takes_context=task.takes_context)
    return Target(
        function=calling_async(task) if runs_in_loop else calling(task),
        arguments=arguments,
        is_async=runs_in_loop,
        context_parameter=CONTEXT,
    )
