"""The ways in which a test stops the time; each test that inherits one of these runs with it."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from freezegun import freeze_time

from django_jobqueue.testing import QueueClock

from .jobs import acts, told

#: Far from the real time, so that whatever still asks for that is found out.
BEGINNING = datetime(2031, 3, 1, 12, tzinfo=UTC)


class StoppedTime:
    """A TestCase stops the time, and lets it go on with `pass_time`."""

    clock: Any

    def stop_time(self) -> AbstractContextManager[Any]:
        raise NotImplementedError

    def setUp(self) -> None:
        super().setUp()  # type: ignore[misc]
        told.clear()
        acts.clear()
        self.clock = self.enterContext(self.stop_time())  # type: ignore[attr-defined]
        self.now = BEGINNING

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.clock.move_to(self.now)


class Freezegun(StoppedTime):
    def stop_time(self) -> AbstractContextManager[Any]:
        return freeze_time(BEGINNING)


class TimeMachine(StoppedTime):
    def stop_time(self) -> AbstractContextManager[Any]:
        return time_machine.travel(BEGINNING, tick=False)


class OwnClock(StoppedTime):
    def stop_time(self) -> AbstractContextManager[Any]:
        return QueueClock(BEGINNING)
