"""Children that do not react while a job of theirs is overdue: a handler holds the interpreter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django_jobqueue.events import EventBus

from .children import ChildProcess
from .messages import Ask


@dataclass
class _Asked:
    heard: int  #: how often the child had said something by then
    looks: int = 0


class StuckChildren:
    """Kills children in which a handler holds the interpreter beyond its time.

    In such a child nothing can end the handler, start another job or give one back. A child is
    asked when the marks say that a handler should have ended, or been given up, by now; it is
    killed when it has said nothing at LOOKS looks after that. One without an overdue job may hold
    its interpreter for as long as it likes.

    A look that comes late does not count, nor what was found before it: who was stopped, or slept,
    together with the children, has not given them the time to answer.
    """

    LOOKS, LOOK_SECONDS, LATE_SECONDS = 5, 1.0, 3.0

    def __init__(self, events: EventBus, *, elapsed: Callable[[], float]) -> None:
        self._events, self._elapsed = events, elapsed
        self._asked: dict[ChildProcess, _Asked] = {}
        self._looked_at = 0.0

    @property
    def look_in(self) -> float | None:
        """Seconds until the next look is due; None where no answer is waited for."""
        if not self._asked:
            return None
        return max(0.0, self._looked_at + self.LOOK_SECONDS - self._elapsed())

    def look(self, children: Sequence[ChildProcess]) -> None:
        """Where it is due, ask those with overdue jobs, and kill who did not answer for long."""
        now = self._elapsed()
        since = now - self._looked_at
        if since < self.LOOK_SECONDS:
            return
        self._looked_at = now
        before = {} if since > self.LATE_SECONDS else self._asked
        self._asked = {}
        for child in children:
            if overdue := child.marks.overdue(now):
                self._look_at(child, before.get(child), overdue)

    def _look_at(self, child: ChildProcess, asked: _Asked | None, overdue: Sequence[int]) -> None:
        if asked is None or asked.heard != child.heard:
            asked = _Asked(child.heard)
            child.tell(Ask())
        else:
            asked.looks += 1
        self._asked[child] = asked
        if asked.looks >= self.LOOKS:
            self._kill(child, overdue)

    def _kill(self, child: ChildProcess, overdue: Sequence[int]) -> None:
        jobs = ", ".join(map(str, overdue))
        child.kill(because=f"it did not react, and was past the timeout of job {jobs}")
        self._events.emit("child.killed", child=child.name, pid=child.pid, job_ids=overdue)
