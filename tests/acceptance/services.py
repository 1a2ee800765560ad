"""Service tasks that a site under test adds to its workers."""

import os
from pathlib import Path

from django_jobqueue.service import ServiceTask, ServiceTaskKind, StopReceiver

from .journal import JOURNAL, note


class GateIsOpen(ServiceTask):
    """A precondition that holds once there is a file `gate` beside the journal."""

    id = "gate is open"
    kind = ServiceTaskKind.PRECONDITION

    def run(self, stop: StopReceiver) -> None:
        looks = 0
        while not Path(os.environ[JOURNAL]).with_name("gate").exists() and not stop.wait(0.05):
            looks += 1
            if looks == 20:
                note("looked 20 times")
