"""A site of one test: its handlers, a worker in this process, and what was told meanwhile."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import pytest
from django.db import connections

from django_jobqueue import job
from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.snapshots import AttemptSnapshot
from django_jobqueue.events import EventBus
from django_jobqueue.jobs.handles import JobHandle
from django_jobqueue.jobs.registry import Registry
from django_jobqueue.service.threads import caught
from django_jobqueue.worker.assembly import Worker, build_worker
from django_jobqueue.worker.options import WorkerOptions

#: How long a test waits for what must happen; only a failing test waits that long.
PATIENCE = 10.0
#: Workers have connections of their own: what a test does must be committed.
COMMITTED = pytest.mark.django_db(transaction=True)
SMALL: dict[str, Any] = {
    "concurrency": 2,
    "async_concurrency": 4,
    "drain": 5,
    "permit_wait": PATIENCE,
}


class Told:
    """Subscribed to an EventBus: keeps what was told, and lets a test wait for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.events: list[tuple[str, Mapping[str, Any]]] = []

    def __call__(self, name: str, facts: Mapping[str, Any]) -> None:
        with self._changed:
            self.events.append((name, dict(facts)))
            self._changed.notify_all()

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def of(self, name: str) -> list[Mapping[str, Any]]:
        return [facts for told, facts in self.events if told == name]

    def wait_for(self, name: str, *, times: int = 1) -> Mapping[str, Any]:
        """Return the facts of the event's `times`-th telling."""
        with self._changed:
            came = self._changed.wait_for(lambda: len(self.of(name)) >= times, PATIENCE)
        assert came, f"{name} was not told {times}x, but: {self.names}"
        return self.of(name)[times - 1]


class RunningWorker:
    """A worker in a thread of its own."""

    def __init__(self, worker: Worker, told: Told) -> None:
        self.worker, self.told = worker, told
        self._raised: list[BaseException | None] = []
        self._thread = threading.Thread(target=self._run, name="jobqueue-worker-under-test")
        self._thread.daemon = True
        self._thread.start()

    def _run(self) -> None:
        try:
            self._raised.append(caught(self.worker.run))
        finally:
            connections.close_all()

    def polls(self) -> "RunningWorker":
        """Return once it has looked for jobs."""
        assert self.worker.polling.wait(PATIENCE), "the worker did not look for jobs"
        self.told.wait_for("worker.registered")
        return self

    def end(self) -> None:
        """Wait for its end, and raise what it raised."""
        self._thread.join(PATIENCE)
        assert self._raised, "the worker did not end"
        if (error := self._raised[0]) is not None:
            raise error


class Site:
    """Declares handlers, runs workers, and remembers what was told."""

    def __init__(self) -> None:
        self.registry, self.bus, self.told = Registry(), EventBus(), Told()
        self.declared: dict[str, Any] = {}  #: what @job returned, by the handler's name
        self.bus.subscribe(self.told)

    def job(self, function: Any = None, **options: Any) -> Any:
        """@job in the registry of this test, on functions and classes defined inside it."""
        if function is None:
            return lambda declared: self.job(declared, **options)
        named = {"name": getattr(function, "__name__", "handler"), **options}
        if not isinstance(function, FunctionType | type):
            function = _as_function(function)
        # Defined in a test, where no other process must import it.
        function.__qualname__ = "handler"
        made = job(registry=self.registry, **named)(function)
        self.declared[named["name"]] = made
        return made

    def counted(self, name: str, **options: Any) -> list[str]:
        """Declare a handler that only notes its runs, and return the notes."""
        runs: list[str] = []

        def note() -> None:
            runs.append(name)

        self.job(note, name=name, **options)
        return runs

    def conf(self, **settings: Any) -> JobQueueSettings:
        return JobQueueSettings(**{**SMALL, **settings})

    def build(self, *, options: Mapping[str, Any] | None = None, **settings: Any) -> Worker:
        # A child process would not find the handlers that a test declares.
        given = {"registry": self.registry, "events": self.bus, "quarantine": False}
        given |= options or {}
        return build_worker(self.conf(**settings), WorkerOptions(**given))

    def work(self, *, options: Mapping[str, Any] | None = None, **settings: Any) -> None:
        """Run a worker in this thread until nothing is due."""
        self.build(options={"until_empty": True, **(options or {})}, **settings).run()

    def work_in_quarantine(self, **settings: Any) -> None:
        """Run a worker for suspects in this thread until none is due."""
        self.work(options={"suspects": True}, **settings)

    @contextmanager
    def working(
        self, *, options: Mapping[str, Any] | None = None, **settings: Any
    ) -> Iterator[RunningWorker]:
        """Run a worker beside the test; leaving the block stops it."""
        running = RunningWorker(self.build(options=options, **settings), self.told)
        try:
            yield running
        finally:
            running.worker.stop()
            running.end()


def _as_function(callable_: Callable[[], object]) -> Callable[[], object]:
    def call() -> object:
        return callable_()

    return call


class Gate:
    """Handlers come in and wait; the test lets them out."""

    def __init__(self) -> None:
        self._entered = threading.Semaphore(0)
        self.opened = threading.Event()

    def pass_through(self) -> None:
        self._entered.release()
        assert self.opened.wait(PATIENCE), "the test did not open the gate"

    def entered(self) -> None:
        """Wait until one more has come in."""
        assert self._entered.acquire(timeout=PATIENCE), "nobody came to the gate"

    def open(self) -> None:
        self.opened.set()


def the_attempt_of(handle: JobHandle) -> AttemptSnapshot:
    """The only kept run of the job."""
    [attempt] = handle.refresh().attempts
    return attempt


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Look again and again, for things that nobody tells; False if it never came true."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.005)):
        if condition():
            return True
        pause.wait(0.005)
    return False
