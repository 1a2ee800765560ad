"""Backends for tests and development, for tasks that are declared with the options of @job."""

from . import framework
from .taking import TakesJobTasks


class ImmediateBackend(TakesJobTasks, framework.ImmediateBackend):
    """Runs each task at once, as Django's, whenever it is due; nothing is tried again."""

    supports_defer = True


class DummyBackend(TakesJobTasks, framework.DummyBackend):
    """Keeps the results of what was enqueued, as Django's, and runs nothing."""
