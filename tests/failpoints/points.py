"""What is armed, as files of a folder: any process may arm, and exactly one takes it and acts."""

import os
import threading
from collections.abc import Iterator
from enum import StrEnum
from itertools import count
from pathlib import Path

import msgspec

FOLDER = "JOBQUEUE_FAILPOINTS"


class Point(StrEnum):
    """Where. Before a commit is before its statements are sent; after it, the worker has not learnt
    of it.
    """

    BEFORE_CLAIM_COMMIT = "before_claim_commit"
    AFTER_CLAIM_COMMIT = "after_claim_commit"
    BEFORE_HANDLER = "before_handler"
    AFTER_HANDLER = "after_handler"
    BEFORE_FINISH_COMMIT = "before_finish_commit"
    AFTER_FINISH_COMMIT = "after_finish_commit"


class Action(StrEnum):
    """What. `pause` stops the whole process until somebody sends SIGCONT; `terminate` ends the
    database's side of the connection that is used there, which only a server has.
    """

    KILL = "kill"
    TERMINATE = "terminate"
    PAUSE = "pause"
    RAISE = "raise"


class Fired(msgspec.Struct, frozen=True):
    """What happened, and in which process."""

    point: Point
    action: Action
    pid: int

    def __str__(self) -> str:
        return f"{self.point}:{self.action}"


class Failpoints:
    """The points of one folder, which is there."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, count()

    def arm(self, point: Point, action: Action) -> None:
        """Let whoever comes to the point next do this, once; what was armed there is forgotten."""
        # In one step: nobody may read it half written.
        written = self._folder / self._unique_name("arming")
        written.write_text(action)
        written.replace(self._folder / point)

    @property
    def are_armed(self) -> bool:
        """Whether anything has not happened yet."""
        return any((self._folder / point).exists() for point in Point)

    def disarm(self) -> None:
        """Forget what has not happened yet."""
        for point in Point:
            (self._folder / point).unlink(missing_ok=True)

    def take(self, point: Point) -> Action | None:
        """Return what is armed there to one of all who ask; it counts as having happened."""
        taken = self._folder / self._unique_name("taken")
        try:
            (self._folder / point).rename(taken)
        except FileNotFoundError:
            return None
        action = Action(taken.read_text())
        taken.rename(self._folder / self._unique_name(f"fired {point} {action}"))
        return action

    def fired(self) -> list[Fired]:
        """Return what has happened so far, in no order."""
        return list(self._fired())

    def _fired(self) -> Iterator[Fired]:
        for path in self._folder.glob("fired *"):
            _, point, action, pid, *_ = path.name.split()
            yield Fired(Point(point), Action(action), int(pid))

    def _unique_name(self, what: str) -> str:
        return f"{what} {os.getpid()} {threading.get_ident()} {next(self._numbers)}"
