"""Running a service beside the test, and the tasks that tests are made of."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from django_jobqueue.service import (
    FunctionTask,
    Service,
    ServiceFailed,
    ServiceTaskKind,
    StopReceiver,
    StopSender,
)
from django_jobqueue.service.threads import caught

#: How long a test waits for what must happen; only a failing test waits that long.
PATIENCE = float(os.environ.get("JOBQUEUE_PATIENCE", "10"))
#: How long a test looks out for what must not happen.
GLANCE = 0.05


class RunningService:
    """A service in a thread of its own; `end` waits for it and returns what `run` raised."""

    def __init__(self, service: Service) -> None:
        self.sender = StopSender()
        self._raised: list[BaseException | None] = []
        self._thread = threading.Thread(
            target=lambda: self._raised.append(caught(lambda: service.run(self.sender.receiver()))),
            name="jobqueue-service-under-test",
            daemon=True,
        )
        self._thread.start()

    def end(self) -> BaseException | None:
        self._thread.join(PATIENCE)
        assert self._raised, "the service did not end"
        return self._raised[0]


@contextmanager
def running(service: Service) -> Iterator[RunningService]:
    it = RunningService(service)
    try:
        yield it
    finally:
        it.sender.send()
        it.end()


def task(
    id: str,
    run: Callable[[StopReceiver], object] = lambda stop: stop.wait(),
    *,
    kind: ServiceTaskKind = ServiceTaskKind.TASK,
) -> FunctionTask:
    """A task that waits for stop unless it is given something else to do."""
    return FunctionTask(id, run, kind=kind)


def raising(error: BaseException) -> Callable[[StopReceiver], None]:
    def run(stop: StopReceiver) -> None:
        raise error

    return run


def raising_after_stop(error: BaseException) -> Callable[[StopReceiver], None]:
    def run(stop: StopReceiver) -> None:
        stop.wait()
        raise error

    return run


@contextmanager
def hung() -> Iterator[Callable[..., None]]:
    """Something to call that does not come back before the block is left."""
    release = threading.Event()
    inside: list[threading.Thread] = []

    def hang(*_ignored: object) -> None:
        inside.append(threading.current_thread())
        release.wait()

    try:
        yield hang
    finally:
        release.set()
        for thread in inside:
            thread.join(PATIENCE)


def raising_hook(text: str) -> Callable[[], None]:
    def hook() -> None:
        raise ValueError(text)

    return hook


def failure_of(service: Service) -> ServiceFailed:
    with pytest.raises(ServiceFailed) as caught:
        service.run()
    return caught.value
