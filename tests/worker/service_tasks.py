"""What JOBQUEUE["SERVICES"] of a test names: service tasks, and what is none."""

import threading

from django_jobqueue.service import FunctionTask, ServiceTask, ServiceTaskKind, StopReceiver

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
