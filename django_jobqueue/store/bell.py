"""An event whose waiter hears a connection, too."""

import selectors
import socket
from contextlib import suppress

#: The cheapest to make; not everywhere.
_Selector: type[selectors.BaseSelector] = getattr(
    selectors, "PollSelector", selectors.DefaultSelector
)


class Bell:
    """Any thread sets it, as a threading.Event; one waits for that, or for something to read."""

    def __init__(self) -> None:
        self._is_set = False
        self._is_waited_for = False
        self._ends: tuple[socket.socket, socket.socket] | None = None

    def set(self) -> None:
        self._is_set = True
        # A system call is spared for all but the first who sets it while somebody waits.
        if self._is_waited_for and self._ends is not None:
            self._is_waited_for = False
            with suppress(OSError):  # nobody waits any more
                self._ends[0].send(b"\0")

    def is_set(self) -> bool:
        return self._is_set

    def clear(self) -> None:
        self._is_set = False

    def wait_beside(self, fileno: int | None, seconds: float | None) -> bool:
        """Return once it is set, what has this file number can be read, or the time is over;
        whether it can be read.
        """
        _, alarm = self._ends = self._ends or _pair()
        # A new one each time: one that is kept may hold on to a file that was closed, whose number
        # the next connection has.
        with _Selector() as selector:
            selector.register(alarm, selectors.EVENT_READ)
            if fileno is not None:
                selector.register(fileno, selectors.EVENT_READ)
            self._is_waited_for = True
            try:
                # Asked after that was said: who sets it from now on ends the wait.
                ready = [
                    key.fileobj for key, _ in selector.select(0.0 if self._is_set else seconds)
                ]
            finally:
                self._is_waited_for = False
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
