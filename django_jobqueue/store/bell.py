"""An event whose waiter hears a connection, too."""

import selectors
import socket
import threading
from contextlib import suppress

#: The cheapest to make; not everywhere.
_Selector: type[selectors.BaseSelector] = getattr(
    selectors, "PollSelector", selectors.DefaultSelector
)


class Bell:
    """Any thread sets it, as a threading.Event; one waits for that, or for something to read."""

    #: A selector waits for whole milliseconds, and not for months.
    SHORT_SECONDS, LONG_SECONDS = 0.005, 3_600.0

    def __init__(self) -> None:
        self._event = threading.Event()
        self._ends: tuple[socket.socket, socket.socket] | None = None
        self._waiter: socket.socket | None = None  #: what tells the one who waits now

    def set(self) -> None:
        self._event.set()
        # A system call is spared for all but the first who sets it while somebody waits.
        if (waiter := self._waiter) is not None:
            self._waiter = None
            with suppress(OSError):  # nobody waits any more
                waiter.send(b"\0")

    def is_set(self) -> bool:
        return self._event.is_set()

    def clear(self) -> None:
        self._event.clear()

    def wait(self, seconds: float) -> bool:
        """Return whether it is set by then."""
        return self._event.wait(seconds)

    def wait_beside(self, fileno: int | None, seconds: float | None) -> bool:
        """Return once it is set, or what has this file number can be read, or the time is over, or
        an hour; whether it can be read, which a short wait does not say.
        """
        if seconds is not None and seconds < self.SHORT_SECONDS:
            self._event.wait(seconds)
            return False
        seconds = self.LONG_SECONDS if seconds is None else min(seconds, self.LONG_SECONDS)
        ours, alarm = self._ends = self._ends or _pair()
        # A new one each time: one that is kept may hold on to a file that was closed, whose number
        # the next connection has.
        with _Selector() as selector:
            selector.register(alarm, selectors.EVENT_READ)
            if fileno is not None:
                selector.register(fileno, selectors.EVENT_READ)
            self._waiter = ours
            # Asked after that was said: who sets it from now on ends the wait.
            events = selector.select(0.0 if self._event.is_set() else seconds)
            self._waiter = None
        ready = [key.fileobj for key, _ in events]
        if alarm in ready:
            alarm.recv(4096)
        return fileno in ready

    def close(self) -> None:
        """Let go of what it waits with, which the next wait opens anew."""
        for end in self._ends or ():
            end.close()
        self._ends = None


def _pair() -> tuple[socket.socket, socket.socket]:
    ours, alarm = socket.socketpair()
    ours.setblocking(False)
    alarm.setblocking(False)
    return ours, alarm
