"""A service: tasks that start together behind their preconditions, and end together."""

import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack, nullcontext

from .errors import NoTasks, RegistrationFailed, ServiceError, ServiceFailed, describe
from .health import HealthRegistry
from .hooks import ShutdownHook
from .lifecycle import AroundRun, ServiceRun
from .stop import StopReceiver
from .tasks import ServiceTask, ServiceTaskKind


class Service:
    """Runs its tasks, each in a thread, until the first of them ends or stop comes.

    `shutdown_timeout` is what all tasks together have to end after stop, `hook_timeout` what each
    shutdown hook has, in seconds. `health` is where the service reports, as the component
    "service": NotReady until the preconditions hold, then Ready, ShuttingDown, ShutDown, and
    Panicked if it ended with errors. `after_thread` is called as the last thing in every thread
    of a task or hook, to close what belongs to the thread; an error in it is one of the task.
    `around_run`, given the task's `StopReceiver`, is entered in its thread while it runs.
    """

    def __init__(
        self,
        tasks: Iterable[ServiceTask] = (),
        *,
        shutdown_timeout: float = 30.0,
        hook_timeout: float = 30.0,
        health: HealthRegistry | None = None,
        after_thread: Callable[[], object] = lambda: None,
        around_run: AroundRun = lambda stop: nullcontext(),
    ) -> None:
        self.shutdown_timeout: float = _seconds(shutdown_timeout, name="shutdown_timeout")
        self.hook_timeout: float = _seconds(hook_timeout, name="hook_timeout")
        self._health = HealthRegistry() if health is None else health
        self._after_thread, self._around_run = after_thread, around_run
        self._tasks: list[ServiceTask] = []
        self._hooks: list[ShutdownHook] = []
        self._problems: list[str] = []
        self._has_run = False
        for task in tasks:
            self.add(task)

    def add(self, task: ServiceTask) -> None:
        """Register a task. What is wrong with it is told by `run`, with all other problems."""
        self._refuse_after_run()
        if problem := self._problem_with(task):
            self._problems.append(problem)
        else:
            self._tasks.append(task)

    def add_shutdown_hook(self, name: str, hook: Callable[[], object]) -> None:
        """Register what is called, in order of registration, after the tasks have ended.

        Hooks always run, whatever happened before, each in a thread.
        """
        self._refuse_after_run()
        if problem := self._problem_with_hook(name, hook):
            self._problems.append(problem)
        else:
            self._hooks.append(ShutdownHook(name=name, run=hook))

    def run(self, stop: StopReceiver | None = None) -> None:
        """Run until the service has ended, and return if it ended well; once, from any thread.

        It ends when a task of a kind that stops it returns, when a task fails, when every oneshot
        task has finished and nothing else was registered, or when `stop` comes. Raises
        `RegistrationFailed` or `NoTasks` before anything has started, and `ServiceFailed` with all
        errors after everything has ended. An exception raised in the calling thread itself, such
        as KeyboardInterrupt, shuts the service down and is raised again, with a note of the errors.
        """
        self._refuse_after_run()
        self._has_run = True
        with ExitStack() as held:
            run = self._set_up(held)
            try:
                if stop is not None:
                    held.enter_context(stop.notifying(run.ask_to_stop))
                run.start()
                first = run.first_exit()
            except BaseException as interrupt:
                first = f"interrupted by {describe(interrupt)}"
                if errors := self._shut_down(run):
                    interrupt.add_note(str(ServiceFailed(first, errors=errors)))
                raise
            if errors := self._shut_down(run):
                raise ServiceFailed(first, errors=errors)

    def _set_up(self, held: ExitStack) -> ServiceRun:
        """Enter everything that the run needs; raise what is wrong with the registration."""
        problems = list(self._problems)
        if not problems and all(task.kind is ServiceTaskKind.PRECONDITION for task in self._tasks):
            raise NoTasks
        try:
            health = held.enter_context(self._health.updater("service"))
        except ServiceError as error:
            raise RegistrationFailed([*problems, str(error)]) from error
        for task in self._tasks:
            try:
                held.enter_context(task.around())
            except Exception as error:
                problems.append(f"task {task.id} could not be set up: {describe(error)}")
        if problems:
            raise RegistrationFailed(problems)
        return ServiceRun(
            self._tasks,
            health=health,
            after_thread=self._after_thread,
            around_run=self._around_run,
        )

    def _shut_down(self, run: ServiceRun) -> list[ServiceError]:
        errors: list[ServiceError] = []
        try:
            errors += run.shut_down(timeout=self.shutdown_timeout)
        finally:
            for hook in self._hooks:
                error = hook.outcome(timeout=self.hook_timeout, after_thread=self._after_thread)
                errors += [error] if error else []
        return errors

    def _problem_with(self, task: object) -> str | None:
        if not isinstance(task, ServiceTask):
            return f"{task!r} is not a ServiceTask"
        task_id: object = getattr(task, "id", None)
        kind: object = task.kind
        if not isinstance(task_id, str) or not task_id:
            return f"{type(task).__name__} has the id {task_id!r}: give it a text"
        if not isinstance(kind, ServiceTaskKind):
            return f"task {task_id} has the kind {kind!r}, which is not a ServiceTaskKind"
        if any(task_id == known.id for known in self._tasks):
            return f"two tasks have the id {task_id!r}: the second is a {type(task).__name__}"
        return None

    def _problem_with_hook(self, name: str, hook: object) -> str | None:
        if not callable(hook):
            return f"shutdown hook {name} is {hook!r}, which cannot be called"
        if any(name == known.name for known in self._hooks):
            return f"two shutdown hooks have the name {name!r}"
        return None

    def _refuse_after_run(self) -> None:
        if self._has_run:
            raise RuntimeError("this service has been run: make a new one")


def _seconds(value: float, *, name: str) -> float:
    if not 0 <= value <= threading.TIMEOUT_MAX:
        raise ValueError(f"{name} must be a number of seconds, 0 or more, not {value}")
    return value
