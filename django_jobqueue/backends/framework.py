"""The names of Django's tasks framework, whether Django 6 brings it or the backport django-tasks.

The backport is typed, so type checkers read it. At run time the names come from whichever is there.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

from django_jobqueue.compat import tasks_framework

PACKAGE = tasks_framework() or ""
IS_BACKPORT = PACKAGE == "django_tasks"

if not PACKAGE:
    raise ImproperlyConfigured(
        "This Django has no tasks framework. Install its backport, with "
        "`pip install django-jobqueue[tasks]`, and add 'django_tasks' to INSTALLED_APPS."
    )

if TYPE_CHECKING:
    from django_tasks import base, signals, task_backends
    from django_tasks.backends.base import BaseTaskBackend
    from django_tasks.backends.dummy import DummyBackend
    from django_tasks.backends.immediate import ImmediateBackend
    from django_tasks.base import TaskContext, TaskError, TaskResultStatus
    from django_tasks.exceptions import InvalidTaskBackendError as InvalidTaskBackend
    from django_tasks.exceptions import InvalidTaskError as InvalidTask
    from django_tasks.exceptions import TaskResultDoesNotExist, TaskResultMismatch
    from django_tasks.utils import normalize_json

    Task = base.Task[..., Any]
    TaskResult = base.TaskResult[Any]
else:
    base = import_module(f"{PACKAGE}.base")
    signals = import_module(f"{PACKAGE}.signals")
    task_backends = import_module(PACKAGE).task_backends
    BaseTaskBackend = import_module(f"{PACKAGE}.backends.base").BaseTaskBackend
    DummyBackend = import_module(f"{PACKAGE}.backends.dummy").DummyBackend
    ImmediateBackend = import_module(f"{PACKAGE}.backends.immediate").ImmediateBackend
    _exceptions = import_module(f"{PACKAGE}.exceptions")
    _suffix = "Error" if IS_BACKPORT else ""
    InvalidTask = getattr(_exceptions, f"InvalidTask{_suffix}")
    InvalidTaskBackend = getattr(_exceptions, f"InvalidTaskBackend{_suffix}")
    TaskResultDoesNotExist = _exceptions.TaskResultDoesNotExist
    TaskResultMismatch = _exceptions.TaskResultMismatch
    _json = "django_tasks.utils" if IS_BACKPORT else "django.utils.json"
    normalize_json = import_module(_json).normalize_json
    Task, TaskResult = base.Task, base.TaskResult
    TaskContext, TaskError = base.TaskContext, base.TaskError
    TaskResultStatus = base.TaskResultStatus

__all__ = [
    "IS_BACKPORT",
    "PACKAGE",
    "BaseTaskBackend",
    "DummyBackend",
    "ImmediateBackend",
    "InvalidTask",
    "InvalidTaskBackend",
    "Task",
    "TaskContext",
    "TaskError",
    "TaskResult",
    "TaskResultDoesNotExist",
    "TaskResultMismatch",
    "TaskResultStatus",
    "base",
    "normalize_json",
    "signals",
    "task_backends",
]
