"""The stop signal: sent once, never taken back, noticed at once by everyone who waits for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager


class _Stop:
    """What a sender and its receivers share."""

    def __init__(self) -> None:
        self.sent: threading.Event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: dict[object, Callable[[], object]] = {}

    def send(self) -> None:
        with self._lock:
            self.sent.set()
            callbacks = list(self._callbacks.values())
            self._callbacks.clear()
        # An exit stack goes on after a callback that raises, so that nobody is left untold.
        with ExitStack() as everyone:
            for callback in reversed(callbacks):
                everyone.callback(callback)

    def subscribe(self, callback: Callable[[], object], *, key: object) -> None:
        with self._lock:
            if not self.sent.is_set():
                self._callbacks[key] = callback
                return
        callback()

    def unsubscribe(self, key: object) -> None:
        with self._lock:
            self._callbacks.pop(key, None)


class StopReceiver:
    """The side of a stop signal that can only look and wait.

    Made by `StopSender.receiver()`. Once stop has come it stays; nothing a receiver can do sends
    it or takes it back.
    """

    def __init__(self, stop: _Stop) -> None:
        self._stop = stop

    def clone(self) -> "StopReceiver":
        """Return another receiver of the same signal, also after it has come."""
        return StopReceiver(self._stop)

    def is_set(self) -> bool:
        return self._stop.sent.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the signal, at most `timeout` seconds; return whether it has come."""
        return self._stop.sent.wait(timeout)

    @contextmanager
    def notifying(self, callback: Callable[[], object]) -> Iterator[None]:
        """Within the block, have `callback` called when stop comes; at once if it has come.

        For those who wait on something else as well: the callback wakes them. It runs in the
        sender's thread, after `is_set()` has become true, and must not block. It may still be
        running for a moment after the block was left.
        """
        key = object()
        self._stop.subscribe(callback, key=key)
        try:
            yield
        finally:
            self._stop.unsubscribe(key)


class StopSender:
    """The side of a stop signal that sends it.

    Sending takes a lock, so it is nothing for a signal handler: that is what `SignalTask` is for.
    """

    def __init__(self) -> None:
        self._stop = _Stop()

    def receiver(self) -> StopReceiver:
        return StopReceiver(self._stop)

    def send(self) -> None:
        """Tell every receiver to stop; a second time changes nothing."""
        self._stop.send()
