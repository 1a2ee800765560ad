"""Which jobs have started, in memory that outlives the process that runs them.

When a process dies, the jobs whose handlers had begun are suspects; what was only claimed goes back
untouched. A mark is one write to memory, so a start costs no statement.
"""

import mmap
import os
import tempfile
import threading
from collections import deque
from contextlib import ExitStack
from typing import Protocol, Self

_BYTES = 8


class Marks(Protocol):
    """Is told which handlers run. Every method may be called from any thread."""

    def begin(self, job_id: int) -> int:
        """The handler of the job begins; return the place of its mark, for `end` and `erase`."""
        ...

    def end(self, place: int) -> None:
        """The handler that began in this place has ended."""
        ...

    def erase(self, place: int, *, job_id: int) -> None:
        """What came of this job is written."""
        ...


class NoMarks:
    """For a process that nobody looks at after its death."""

    def begin(self, job_id: int) -> int:
        return 0

    def end(self, place: int) -> None:
        pass

    def erase(self, place: int, *, job_id: int) -> None:
        pass


NO_MARKS = NoMarks()


class StartedMarks:
    """Twice as many places as handlers can run at once; a place holds the id of a job that began.

    A job stays marked until its outcome is written, for its process may die of it a moment after
    its handler has ended. Only where as many others have begun meanwhile as can run at once may
    its place be taken before.

    Made by the supervisor, which hands `fileno` to the child that it starts; both map the same
    file, which has no name any more and is gone with the last of them.
    """

    def __init__(self, fileno: int, *, slots: int) -> None:
        self.fileno, self.slots = fileno, slots
        self._map = mmap.mmap(fileno, 2 * slots * _BYTES)
        self._ids = memoryview(self._map).cast("q")
        self._changing = threading.Lock()
        #: Where no handler runs, the longest free first.
        self._free = deque(range(2 * slots))

    @classmethod
    def create(cls, *, slots: int) -> Self:
        """Make marks that a child process may share."""
        with tempfile.TemporaryFile(prefix="jobqueue-") as file, ExitStack() as undo:
            file.truncate(2 * slots * _BYTES)
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

    def end(self, place: int) -> None:
        with self._changing:
            self._free.append(place)

    def erase(self, place: int, *, job_id: int) -> None:
        with self._changing:
            if self._ids[place] == job_id:  # or another has begun there
                self._ids[place] = 0

    def started(self) -> list[int]:
        """Return the ids of the jobs that began, and of which it is not sure that their outcome is
        written.
        """
        return sorted(job_id for job_id in self._ids if job_id)

    def close(self) -> None:
        """Let go of the memory; whoever shares it keeps it."""
        self._ids.release()
        self._map.close()
        os.close(self.fileno)
