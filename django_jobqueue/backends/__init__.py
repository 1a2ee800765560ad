"""A backend of Django's tasks framework that keeps its tasks as jobs.

    TASKS = {"default": {"BACKEND": "django_jobqueue.backends.JobQueueBackend"}}

Invariants: a task is a handler like any other and its result is read from the record of its job, so
nothing is stored twice; a row runs what a process has declared, and never names what is imported.
Nothing outside this package needs the framework.
"""

from .backend import JobQueueBackend
from .local import DummyBackend, ImmediateBackend
from .running import JobTaskContext
from .tasks import JobTask

__all__ = ["DummyBackend", "ImmediateBackend", "JobQueueBackend", "JobTask", "JobTaskContext"]
