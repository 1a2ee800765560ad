"""Which jobs have started, in memory that outlives the process that runs them.

When a process dies, the jobs whose handlers had begun are suspects; what was only claimed goes back
untouched. A mark is one write to memory, so a start costs no statement.
"""

import mmap
import os
import tempfile
from collections import deque
from typing import Protocol, Self

_BYTES = 8


class Marks(Protocol):
    """Is told which handlers run."""

    def begin(self, job_id: int) -> int:
        """The handler of the job begins; return what to hand to `end`. From any thread."""
        ...

    def end(self, place: int) -> None:
        """The handler that began in this place has ended."""
        ...


class NoMarks:
    """For a process that nobody looks at after its death."""

    def begin(self, job_id: int) -> int:
        return 0

    def end(self, place: int) -> None:
        pass


NO_MARKS = NoMarks()


class StartedMarks:
    """As many places as handlers can run at once; a place holds the id of the job that runs in it.

    Made by the supervisor, which hands `fileno` to the child that it starts; both map the same
    file, which has no name any more and is gone with the last of them.
    """

    def __init__(self, fileno: int, *, places: int) -> None:
        self.fileno, self.places = fileno, places
        self._map = mmap.mmap(fileno, places * _BYTES)
        self._ids = memoryview(self._map).cast("q")
        self._free = deque(range(places))

    @classmethod
    def create(cls, *, places: int) -> Self:
        """Make marks that a child process may share."""
        with tempfile.TemporaryFile(prefix="jobqueue-") as file:
            file.truncate(places * _BYTES)
            return cls(os.dup(file.fileno()), places=places)

    def begin(self, job_id: int) -> int:
        """The handler of the job begins; return the place to hand to `end`. From any thread."""
        place = self._free.popleft()
        self._ids[place] = job_id
        return place

    def end(self, place: int) -> None:
        """The handler that began in this place has ended."""
        self._ids[place] = 0
        self._free.append(place)

    def started(self) -> list[int]:
        """Return the ids of the jobs whose handlers are running, or were when the process died."""
        return sorted(job_id for job_id in self._ids if job_id)

    def close(self) -> None:
        """Let go of the memory; whoever shares it keeps it."""
        self._ids.release()
        self._map.close()
        os.close(self.fileno)
