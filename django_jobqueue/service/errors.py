"""What can go wrong with a service, each error with its facts as attributes."""

from collections.abc import Sequence


def describe(error: BaseException) -> str:
    """Return "ValueError: no such row" for any exception, one that cannot be printed included."""
    name = type(error).__name__
    try:
        text = str(error)
    except Exception:
        return f"{name} (its message cannot be printed)"
    return f"{name}: {text}" if text else name


class TaskError(Exception):
    """Raised by a service task that gives up on purpose; any other exception is a panic."""


class ServiceError(Exception):
    """Base class of what this framework raises."""


class RegistrationFailed(ServiceError):
    """Tasks or hooks were registered that cannot be run together; nothing was started.

    `problems` holds one sentence for each, in the order of registration.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(["Nothing was started:", *(f"- {text}" for text in problems)]))
        self.problems: tuple[str, ...] = tuple(problems)


class NoTasks(ServiceError):
    """The service has nothing to run. Preconditions do not count."""

    def __init__(self) -> None:
        super().__init__(
            "The service has no tasks (preconditions do not count): add one before it is run."
        )


class TaskFailed(ServiceError):
    """A task raised `TaskError`, which is kept as `__cause__`."""

    def __init__(self, task_id: str, *, cause: TaskError) -> None:
        # The prefix says what happened; "TaskError: " in front of the reason would only repeat it.
        reason = describe(cause).removeprefix("TaskError: ")
        super().__init__(f"Task {task_id} failed: {reason}")
        self.task_id = task_id
        self.__cause__ = cause


class TaskPanicked(ServiceError):
    """A task ended with an exception that is not a `TaskError`, kept as `__cause__`."""

    def __init__(self, task_id: str, *, cause: BaseException) -> None:
        super().__init__(f"Task {task_id} panicked: {describe(cause)}")
        self.task_id = task_id
        self.__cause__ = cause


class TaskShutdownTimedOut(ServiceError):
    """A task was still running when its time to stop was over; its thread was left behind."""

    def __init__(self, task_id: str, *, timeout: float) -> None:
        super().__init__(f"Task {task_id} did not stop within {timeout:g} s")
        self.task_id = task_id
        self.timeout = timeout


class ShutdownHookFailed(ServiceError):
    """A shutdown hook raised; the exception is kept as `__cause__`."""

    def __init__(self, name: str, *, cause: BaseException) -> None:
        super().__init__(f"Shutdown hook {name} failed: {describe(cause)}")
        self.name = name
        self.__cause__ = cause


class ShutdownHookTimedOut(ServiceError):
    """A shutdown hook was still running when its time was over; its thread was left behind."""

    def __init__(self, name: str, *, timeout: float) -> None:
        super().__init__(f"Shutdown hook {name} did not finish within {timeout:g} s")
        self.name = name
        self.timeout = timeout


class ServiceFailed(ServiceError):
    """A service that ran has ended, and not well.

    `first` says who ended first and why, and is the first line of the message. `errors` holds what
    went wrong: the error of who ended first, if it was one, then those of the other tasks in the
    order of their registration, then those of the hooks. The first of them is the `__cause__`.
    """

    def __init__(self, first: str, *, errors: Sequence[ServiceError]) -> None:
        others = [f"- {error}" for error in errors if str(error) != first]
        super().__init__("\n".join([f"Service stopped: {first}", *others]))
        self.first = first
        self.errors: tuple[ServiceError, ...] = tuple(errors)
        self.__cause__ = errors[0] if errors else None


class DuplicateComponent(ServiceError):
    """Two components of one health registry have the same name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"A component named {name!r} already reports to this health registry")
        self.name = name
