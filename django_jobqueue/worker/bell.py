"""An event whose waiter hears a connection, too."""

import selectors
import socket
from contextlib import suppress
from typing import Protocol


class Wake(Protocol):
    """What one thread waits for, as for a threading.Event, and others set."""

    def set(self) -> None: ...
    def is_set(self) -> bool: ...
    def clear(self) -> None: ...
    def wait(self, timeout: float | None = None) -> bool: ...


class Bell:
    """Any thread sets it, as a threading.Event; one waits for that, or for something to read."""

    def __init__(self) -> None:
        self._is_set = False
        self._is_waited_for = False
        self._selector: selectors.BaseSelector | None = None
        self._rope: socket.socket | None = None
        self._beside: int | None = None

    def set(self) -> None:
        self._is_set = True
        # A system call is spared for all but the first who sets it while somebody waits.
        if self._is_waited_for:
            self._is_waited_for = False
            with suppress(OSError):  # nobody waits any more
                if self._rope is not None:
                    self._rope.send(b"\0")

    def is_set(self) -> bool:
        return self._is_set

    def clear(self) -> None:
        self._is_set = False

    def wait_beside(self, fileno: int | None, seconds: float | None) -> bool:
        """Return once it is set, what has this file number can be read, or the time is over;
        whether it can be read.
        """
        selector = self._selector or self._open()
        self._attend(selector, fileno)
        self._is_waited_for = True
        try:
            # Asked after that was said: who sets it from now on ends the wait.
            ready = selector.select(0.0 if self._is_set else seconds)
        finally:
            self._is_waited_for = False
        is_readable = False
        for key, _ in ready:
            if key.data is None:
                is_readable = True
            else:
                key.data.recv(4096)
        return is_readable

    def close(self) -> None:
        """Let go of what it waits with, which the next wait opens anew."""
        if self._selector is None or self._rope is None:
            return
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                key.data.close()
        self._rope.close()
        self._selector.close()
        self._selector = self._rope = self._beside = None

    def _open(self) -> selectors.BaseSelector:
        self._rope, end = socket.socketpair()
        self._rope.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(end, selectors.EVENT_READ, data=end)
        return self._selector

    def _attend(self, selector: selectors.BaseSelector, fileno: int | None) -> None:
        if fileno == self._beside:
            return
        if self._beside is not None:
            selector.unregister(self._beside)
        if fileno is not None:
            selector.register(fileno, selectors.EVENT_READ)
        self._beside = fileno
