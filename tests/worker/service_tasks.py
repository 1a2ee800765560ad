"""What JOBQUEUE["SERVICES"] of a test names: service tasks, and what is none."""

import threading

from django_jobqueue.service import (
    FunctionTask,
    ServiceTask,
    ServiceTaskKind,
    StopReceiver,
    TaskError,
)

#: A new one for each test that has a worker run the tasks below.
may_hold = threading.Event()
has_run = threading.Event()


class Feed(ServiceTask):
    id = "feed"

    def run(self, stop: StopReceiver) -> None:
        has_run.set()
        stop.wait()


class Held(ServiceTask):
    """A precondition that waits for the test."""

    id = "held"
    kind = ServiceTaskKind.PRECONDITION

    def run(self, stop: StopReceiver) -> None:
        has_run.set()
        with stop.notifying(may_hold.set):
            may_hold.wait()


class Failing(Feed):
    id = "failing"

    def __init__(self) -> None:
        raise ValueError("no feed today")


class Breaking(Feed):
    """Gives up when the test says so."""

    id = "breaking"

    def run(self, stop: StopReceiver) -> None:
        has_run.set()
        with stop.notifying(may_hold.set):
            may_hold.wait()
        raise TaskError("no more prices")


class Impossible(Feed):
    """A precondition that never holds, and says so."""

    id = "impossible"
    kind = ServiceTaskKind.PRECONDITION

    def run(self, stop: StopReceiver) -> None:
        raise TaskError("the moon is missing")


class Brief(Feed):
    """Returns at once, and so ends the worker."""

    id = "brief"
    kind = ServiceTaskKind.UNCONSTRAINED_TASK

    def run(self, stop: StopReceiver) -> None:
        has_run.set()


class Nameless(Feed):
    id = ""


class NoServiceTask:
    pass


def another_feed() -> ServiceTask:
    return FunctionTask("another feed", lambda stop: stop.wait())


def another_pump() -> ServiceTask:
    return FunctionTask("pump", lambda stop: stop.wait())


def nothing() -> None:
    """Return no service task."""


A_TEXT = "feed"
