"""One run of a service: its threads, from the first start to the last end."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from queue import SimpleQueue
from threading import Thread

from .barrier import Barrier
from .errors import ServiceError, TaskError, TaskFailed, TaskPanicked, TaskShutdownTimedOut
from .health import HealthUpdater
from .statuses import HealthStatus
from .stop import StopReceiver, StopSender
from .tasks import ServiceTask, ServiceTaskKind
from .threads import first_caught, service_thread

AroundRun = Callable[[StopReceiver], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _TaskEnd:
    task: ServiceTask
    error: ServiceError | None


class _Event(Enum):
    BARRIER_OPENED = auto()
    STOP_ASKED = auto()


class ServiceRun:
    """The tasks of a service while they run.

    The thread that runs the service calls `start`, `first_exit` and `shut_down`, in this order. It
    alone reads the inbox into which the others report, and so decides who was first.
    """

    def __init__(
        self,
        tasks: Sequence[ServiceTask],
        *,
        health: HealthUpdater,
        after_thread: Callable[[], object],
        around_run: AroundRun,
    ) -> None:
        self._tasks = tasks
        self._health = health
        self._after_thread, self._around_run = after_thread, around_run
        self._sender = StopSender()
        self._stop = self._sender.receiver()
        self._inbox: SimpleQueue[_TaskEnd | _Event] = SimpleQueue()
        self._threads: dict[str, Thread] = {}
        self._ends: dict[str, _TaskEnd] = {}
        self._first: str | None = None
        self._barrier = Barrier(
            sum(task.kind.counts_at_barrier for task in tasks),
            stop=self._stop,
            on_open=partial(self._inbox.put, _Event.BARRIER_OPENED),
        )

    def ask_to_stop(self) -> None:
        """Stop because the caller of the service wants it; from any thread."""
        # Reported before it is sent: a task that obeys at once is not the first exiter.
        self._inbox.put(_Event.STOP_ASKED)
        self._sender.send()

    def start(self) -> None:
        """Start the tasks in order of registration; if stop comes, the rest are left out."""
        for task in self._tasks:
            if self._stop.is_set():
                return
            thread = service_thread(task.id, partial(self._perform, task))
            try:
                thread.start()
            except RuntimeError as error:  # the system has no thread left
                self._report(task, error=TaskPanicked(task.id, cause=error))
            else:
                self._threads[task.id] = thread

    def first_exit(self) -> str:
        """Wait until the service has to end; return who ended first and why."""
        runs_until_stopped = any(task.kind.stops_service for task in self._tasks)
        oneshots = {task.id for task in self._tasks if task.kind.is_oneshot}
        while True:
            match self._inbox.get():
                case _Event.STOP_ASKED:
                    return "it was asked to stop"
                case _Event.BARRIER_OPENED:
                    self._health.update(HealthStatus.READY)
                case _TaskEnd(task=task, error=error):
                    oneshots.discard(task.id)
                    if error is not None or task.kind.stops_service:
                        self._first = task.id
                        return str(error or f"Task {task.id} returned")
                    if not oneshots and not runs_until_stopped:
                        return "every oneshot task has finished"

    def shut_down(self, *, timeout: float) -> list[ServiceError]:
        """Send stop, give all tasks together up to `timeout` seconds; return every error so far.

        In order: that of the first exiter, then those of the others as they were registered.
        """
        self._health.update(HealthStatus.SHUTTING_DOWN)
        self._sender.send()
        deadline = time.monotonic() + timeout
        for thread in self._threads.values():
            thread.join(max(0.0, deadline - time.monotonic()))
        errors = {task.id: self._error_of(task.id, timeout=timeout) for task in self._tasks}
        first = errors.pop(self._first, None) if self._first else None
        return [error for error in (first, *errors.values()) if error is not None]

    def _error_of(self, task_id: str, *, timeout: float) -> ServiceError | None:
        if task_id in self._ends:
            return self._ends[task_id].error
        if task_id in self._threads:
            return TaskShutdownTimedOut(task_id, timeout=timeout)
        return None

    def _perform(self, task: ServiceTask) -> None:
        error = first_caught(partial(self._run, task), self._after_thread)
        match error:
            case None:
                self._report(task, error=None)
            case TaskError():
                self._report(task, error=TaskFailed(task.id, cause=error))
            case _:
                self._report(task, error=TaskPanicked(task.id, cause=error))

    def _run(self, task: ServiceTask) -> None:
        if task.kind.waits_for_preconditions and not self._barrier.pass_through():
            return
        stop = self._stop.clone()
        with self._around_run(stop):
            task.run(stop)
        if task.kind is ServiceTaskKind.PRECONDITION:
            self._barrier.arrive()

    def _report(self, task: ServiceTask, *, error: ServiceError | None) -> None:
        end = _TaskEnd(task=task, error=error)
        self._ends[task.id] = end
        self._inbox.put(end)
