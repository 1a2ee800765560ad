"""What a service runs: tasks of five kinds. Not to be confused with `django.tasks`."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from enum import Enum

from .stop import StopReceiver


class ServiceTaskKind(Enum):
    """When a task starts, and whether the service ends when it returns.

    The values are the names that messages and the documentation use. An error stops the service,
    whatever the kind.
    """

    TASK = "Task"
    ONESHOT_TASK = "OneshotTask"
    UNCONSTRAINED_TASK = "UnconstrainedTask"
    UNCONSTRAINED_ONESHOT_TASK = "UnconstrainedOneshotTask"
    PRECONDITION = "Precondition"

    @property
    def waits_for_preconditions(self) -> bool:
        return self in (ServiceTaskKind.TASK, ServiceTaskKind.ONESHOT_TASK)

    @property
    def stops_service(self) -> bool:
        """Whether the service stops when a task of this kind returns."""
        return self in (ServiceTaskKind.TASK, ServiceTaskKind.UNCONSTRAINED_TASK)

    @property
    def is_oneshot(self) -> bool:
        return self in (ServiceTaskKind.ONESHOT_TASK, ServiceTaskKind.UNCONSTRAINED_ONESHOT_TASK)

    @property
    def counts_at_barrier(self) -> bool:
        return self.waits_for_preconditions or self is ServiceTaskKind.PRECONDITION


class ServiceTask(ABC):
    """One duty of a service; its thread is named after its `id`, which is unique in the service."""

    id: str
    kind: ServiceTaskKind = ServiceTaskKind.TASK

    @abstractmethod
    def run(self, stop: StopReceiver) -> None:
        """Do the duty, in a thread of its own, until it is done or `stop` has come.

        After stop a task may go on for as long as the service's shutdown timeout, a heartbeat for
        example while others drain. Raise `TaskError` to give up on purpose. A precondition looks
        by itself until it holds, and returns then; what it returns after stop counts for nothing.
        """

    def around(self) -> AbstractContextManager[object]:
        """Return what the thread that runs the service must hold while it does.

        Entered before the first task starts (an error is one of registration, and nothing runs),
        left after the last hook.
        """
        return nullcontext()


class FunctionTask(ServiceTask):
    """A plain function as a service task; it receives the `StopReceiver`."""

    def __init__(
        self,
        id: str,
        run: Callable[[StopReceiver], object],
        *,
        kind: ServiceTaskKind = ServiceTaskKind.TASK,
    ) -> None:
        self.id = id
        self.kind = kind
        self._run = run

    def run(self, stop: StopReceiver) -> None:
        self._run(stop)
