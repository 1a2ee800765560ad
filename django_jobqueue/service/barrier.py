"""The point that nothing constrained passes before every precondition holds."""

import threading
from collections.abc import Callable

from .stop import StopReceiver


class Barrier:
    """Opens when all `parties` have arrived, unless stop comes first, or together with the last.

    `on_open` is called once, by the last to arrive (here, if there are no parties), and also
    where stop has come: it is a fact about the arrivals.
    """

    def __init__(
        self, parties: int, *, stop: StopReceiver, on_open: Callable[[], object] = lambda: None
    ) -> None:
        self._missing = parties
        self._stop = stop
        self._on_open = on_open
        self._lock = threading.Lock()
        self._passable = threading.Event()
        self._admits = False  #: decided once, for all: none may pass where another may not
        if parties == 0:
            self._open()

    def arrive(self) -> None:
        """Count as arrived, without waiting."""
        with self._lock:
            self._missing -= 1
            was_last = self._missing == 0
        if was_last:
            self._open()

    def pass_through(self) -> bool:
        """Arrive and wait for the others; False if stop came, and the caller must not go on."""
        self.arrive()
        with self._stop.notifying(self._passable.set):
            self._passable.wait()
        return self._admits

    def _open(self) -> None:
        self._on_open()
        self._admits = not self._stop.is_set()
        self._passable.set()
