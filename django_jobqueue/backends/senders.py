"""Who sends the signals of the framework."""

from .framework import BaseTaskBackend, TaskResult, task_backends


def sender_of(result: TaskResult) -> type[BaseTaskBackend]:
    """Return the class of the backend that a result is from."""
    return type(task_backends[result.backend])
