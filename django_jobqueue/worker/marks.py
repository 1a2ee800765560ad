"""Which jobs have started, and when they must have ended, in memory that outlives the process that
runs them.

When a process dies, the jobs whose handlers had begun are suspects; what was only claimed goes back
untouched. A mark is one write to memory, so a start costs no statement; and it can be read while a
handler holds the interpreter of its process.
"""

import mmap
import os
import tempfile
import threading
from collections import deque
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Protocol, Self

_BYTES = 8


class Marks(Protocol):
    """Is told which handlers run. Every method may be called from any thread."""

    def begin(self, job_id: int) -> int:
        """The handler of the job begins; return the place of its mark, for `end` and `erase`."""
        ...

    def limit(self, place: int, *, until: float) -> None:
        """By then, on the clock that goes on through suspends, the handler that began in this place
        has ended, or was given up.
        """
        ...

    def end(self, place: int) -> None:
        """The handler that began in this place has ended."""
        ...

    def erase(self, marks: Iterable[tuple[int, int]]) -> None:
        """What came of these is written: the place of each mark, and the id of its job."""
        ...


class NoMarks:
    """For a process that nobody looks at after its death."""

    def begin(self, job_id: int) -> int:
        return 0

    def limit(self, place: int, *, until: float) -> None:
        pass

    def end(self, place: int) -> None:
        pass

    def erase(self, marks: Iterable[tuple[int, int]]) -> None:
        pass


NO_MARKS = NoMarks()


class StartedMarks:
    """Twice as many places as handlers can run at once; a place holds the id of a job that began.

    A job stays marked until its outcome is written, for its process may die of it a moment after
    its handler has ended. Only where as many others have begun meanwhile as can run at once may
    its place be taken before. By when its handler must have ended, where there is such a time, is
    kept beside it.

    Made by the supervisor, which hands `fileno` to the child that it starts; both map the same
    file, which has no name any more and is gone with the last of them.
    """

    def __init__(self, fileno: int, *, slots: int) -> None:
        self.fileno, self.slots = fileno, slots
        places = 2 * slots
        self._map = mmap.mmap(fileno, _size(slots))
        with memoryview(self._map) as whole:
            self._ids = whole[: places * _BYTES].cast("q")
            self._limits = whole[places * _BYTES :].cast("d")
        self._changing = threading.Lock()
        #: Where no handler runs, the longest free first.
        self._free = deque(range(places))

    @classmethod
    def create(cls, *, slots: int) -> Self:
        """Make marks that a child process may share."""
        with tempfile.TemporaryFile(prefix="jobqueue-") as file, ExitStack() as undo:
            file.truncate(_size(slots))
            fileno = os.dup(file.fileno())
            undo.callback(os.close, fileno)
            made = cls(fileno, slots=slots)
            undo.pop_all()
        return made

    def begin(self, job_id: int) -> int:
        with self._changing:
            place = self._free.popleft()
            self._ids[place] = job_id
            return place

    def limit(self, place: int, *, until: float) -> None:
        self._limits[place] = until

    def end(self, place: int) -> None:
        self._limits[place] = 0.0
        self._free.append(place)

    def erase(self, marks: Iterable[tuple[int, int]]) -> None:
        ids = self._ids
        with self._changing:
            for place, job_id in marks:
                if ids[place] == job_id:  # or another has begun there
                    ids[place] = 0

    def started(self) -> list[int]:
        """Return the ids of the jobs that began, and of which it is not sure that their outcome is
        written.
        """
        return sorted(job_id for job_id in self._ids if job_id)

    def overdue(self, now: float) -> list[int]:
        """Return the ids of the jobs whose handlers should have ended by now."""
        return sorted(
            job_id
            for job_id, until in zip(self._ids, self._limits, strict=True)
            if until and until <= now
        )

    def close(self) -> None:
        """Let go of the memory; whoever shares it keeps it."""
        self._ids.release()
        self._limits.release()
        self._map.close()
        os.close(self.fileno)


def _size(slots: int) -> int:
    """An id and a limit for each of twice as many places."""
    return 2 * slots * 2 * _BYTES
