"""What runs in a child process, and what it answers to its supervisor."""

import socket
import threading
from typing import Any

from django.db import connections

from django_jobqueue.core.clock import monotonic
from django_jobqueue.worker.marks import StartedMarks
from django_jobqueue.worker.messages import Ask, Beat, Channel, Here, Polling, Stop
from django_jobqueue.worker.under_supervision import SupervisedChild
from tests.store.helpers import register_worker

from .site import COMMITTED, PATIENCE, within
from .test_children import begin

pytestmark = COMMITTED


class ChildInAThread:
    """The child's half in a thread of the test, which speaks as its supervisor."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(PATIENCE)
        self.supervisor, self._line = (
            Channel(ours, hears="child"),
            Channel(theirs, hears="supervisor"),
        )
        self._marks = StartedMarks.create(slots=2)
        self._child = SupervisedChild(begin(self._marks), self._line)
        self.status: int | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.supervisor.send(Beat(register_worker(), monotonic()))

    def _run(self) -> None:
        try:
            self.status = self._child.run(self._line.messages())
        finally:
            connections.close_all()

    def hears(self, *kinds: type[Any]) -> bool:
        """Wait until it has said all of this."""
        missing = set(kinds)
        for message in self.supervisor.messages():
            missing.discard(type(message))
            if not missing:
                return True
        return False

    def end(self) -> None:
        self.supervisor.send(Stop())
        self._thread.join(PATIENCE)
        self.supervisor.close()
        assert within(PATIENCE, lambda: "jobqueue-supervisor" not in names_of_threads())
        self._line.close()
        self._marks.close()


def names_of_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


def test_one_that_is_asked_whether_it_reacts_says_so() -> None:
    child = ChildInAThread()
    child.supervisor.send(Ask())

    assert child.hears(Polling, Here)
    child.end()
    assert child.status == 0
