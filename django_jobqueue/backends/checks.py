"""What `manage.py check` says of a backend in TASKS."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error

from django_jobqueue.core.errors import JobQueueError
from django_jobqueue.jobs.handlers import Handler

from .declaring import MODULES
from .framework import IS_BACKPORT

_HINT = "OPTIONS take what @job takes, for all tasks of this backend."
_DATABASE_HINT = "JOBQUEUE['DATABASE'] names the database of the jobs."


def messages_of(alias: str, options: Mapping[str, Any]) -> Sequence[CheckMessage]:
    """Return what is wrong with TASKS[alias]; its queues are checked where tasks name them."""
    messages: list[CheckMessage] = []
    if not apps.is_installed("django_jobqueue"):
        messages.append(
            Error(
                f"TASKS[{alias!r}] keeps its tasks in tables that this site does not have.",
                hint="Add 'django_jobqueue' to INSTALLED_APPS, and run migrate.",
                id="jobqueue.E021",
            )
        )
    of_tasks = {name: value for name, value in options.items() if name != MODULES}
    try:
        Handler.of(_probe, **of_tasks)
    except JobQueueError as error:
        hint = _DATABASE_HINT if "database" in {name.lower() for name in options} else _HINT
        message = f"TASKS[{alias!r}]['OPTIONS'] cannot be: {error}"
        messages.append(Error(message, hint=hint, id="jobqueue.E020"))
    return messages


def check_backport(**_: Any) -> Sequence[CheckMessage]:
    """E022: the backport has not been installed as an app, without which it logs nothing."""
    if not IS_BACKPORT or apps.is_installed("django_tasks"):
        return []
    return [
        Error(
            "TASKS is the setting of django-tasks, which is not installed as an app.",
            hint="Add 'django_tasks' to INSTALLED_APPS.",
            id="jobqueue.E022",
        )
    ]


def _probe() -> None:
    """A handler that fits whatever options can be."""
