"""Who sends the signals of the framework."""

from django.utils.module_loading import import_string

from .framework import BaseTaskBackend, TaskResult, task_backends


def sender_of(result: TaskResult) -> type[BaseTaskBackend]:
    """Return the class of the backend that a result is from."""
    # Each handler has a context of its own, for which a backend would be made anew.
    sender: type[BaseTaskBackend] = import_string(task_backends.settings[result.backend]["BACKEND"])
    return sender
