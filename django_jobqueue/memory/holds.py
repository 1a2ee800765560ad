"""What a line is made of, and the line of one process."""

from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import Any, Protocol

from django_jobqueue.core.clock import Seconds

from .waiting import Moment


class Hold(ABC):
    """One holding of a line, from the moment it was taken."""

    @property
    @abstractmethod
    def is_lost(self) -> bool:
        """Whether somebody else may hold the line by now."""

    @abstractmethod
    def release(self) -> None:
        """Free the line, then wake its waiters. Asked for once, but `drop` comes after it too."""

    @abstractmethod
    async def arelease(self) -> None:
        """As `release`."""

    @abstractmethod
    def drop(self) -> None:
        """Free the line, unless that was done: without a lock, a wait or an error, since a
        destructor asks for it.
        """


class LineWait(Protocol):
    """The wait for one holder to be done; it may be waited for by many, and more than once."""

    def wait(self, timeout: Seconds | None = None) -> bool:
        """Block until the holder is done; False if `timeout` was over first."""
        ...

    def __await__(self) -> Generator[Any, Any, object]: ...


class LineBackend(Protocol):
    """Where lines are kept. The twins do the same from an event loop."""

    def try_hold(self, name: str) -> Hold | LineWait:
        """Take the line if it is free, or return the wait for its holder; waits for nobody."""
        ...

    async def atry_hold(self, name: str) -> Hold | LineWait: ...

    def is_held(self, name: str) -> bool:
        """Whether somebody holds the line; changes nothing."""
        ...

    async def ais_held(self, name: str) -> bool: ...


class ProcessBackend:
    """A line in memory; each has a backend of its own, and needs no name."""

    def __init__(self) -> None:
        # The key is there while the line is held. Operations of a dictionary are atomic, and unlike
        # a lock they may be used by a destructor that interrupts one of them in the same thread.
        self._held: dict[str, _ProcessHold] = {}

    def try_hold(self, name: str) -> Hold | Moment:
        mine = _ProcessHold(self._held)
        holder = self._held.setdefault("hold", mine)
        return mine if holder is mine else holder.over

    async def atry_hold(self, name: str) -> Hold | Moment:
        return self.try_hold(name)

    def is_held(self, name: str) -> bool:
        return bool(self._held)

    async def ais_held(self, name: str) -> bool:
        return self.is_held(name)


class _ProcessHold(Hold):
    def __init__(self, held: "dict[str, _ProcessHold]") -> None:
        self._held = held
        self.over = Moment()

    @property
    def is_lost(self) -> bool:
        return False

    def release(self) -> None:
        if self._held.get("hold") is self:
            del self._held["hold"]  # free before anybody wakes
        self.over.come()

    async def arelease(self) -> None:
        self.release()

    def drop(self) -> None:
        self.release()
