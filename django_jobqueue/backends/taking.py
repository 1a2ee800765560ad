"""What the backends of this package have in common: they take tasks with the options of @job."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.core.checks import CheckMessage

from .checks import messages_of
from .framework import BaseTaskBackend, Task
from .tasks import JobTask, with_changes


class TakesJobTasks(BaseTaskBackend):
    """Comes before a backend of the framework in the order of base classes."""

    task_class = JobTask  # type: ignore[assignment]  # a class of the framework with no parameters

    def validate_task(self, task: Task) -> None:
        """Raise InvalidTask if the backend cannot run the task."""
        run_after: object = task.run_after
        if self.supports_defer and isinstance(run_after, timedelta):
            task = with_changes(task, run_after=None)  # of spans Django's own code cannot judge
        super().validate_task(task)

    def check(self, **kwargs: Any) -> Sequence[CheckMessage]:
        """E020: OPTIONS that cannot be. E021: the app is not installed."""
        return messages_of(self.alias, self.options)
