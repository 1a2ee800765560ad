"""SIGINT and SIGTERM as a service task."""

import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from types import FrameType

from .errors import ServiceError, describe
from .stop import StopReceiver
from .tasks import ServiceTask, ServiceTaskKind
from .threads import caught, service_thread

logger = logging.getLogger(__name__)

#: How long leaving waits for an `on_second_signal` that is still running.
LAST_WORD_SECONDS = 2.0


class SignalTask(ServiceTask):
    """Ends, and so stops its service, at the first signal.

    The handlers are installed for as long as the service runs, its shutdown included, by the
    thread that runs it, which must be the main thread (elsewhere registration fails: leave this
    task out there). Then the previous handlers are back.

    `on_second_signal` is called with every further signal, so that a worker can hurry. It runs in
    a thread, so it may take locks and use the database; an exception in it is logged.
    `received` lists the signals so far.
    """

    id = "signals"
    kind = ServiceTaskKind.UNCONSTRAINED_TASK

    def __init__(
        self,
        *,
        signals: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM),
        on_second_signal: Callable[[signal.Signals], object] | None = None,
    ) -> None:
        self.received: list[signal.Signals] = []
        self._signals = tuple(signals)
        self._on_second_signal = on_second_signal
        self._noticed = threading.Event()

    def run(self, stop: StopReceiver) -> None:
        with stop.notifying(self._noticed.set):
            self._noticed.wait()

    @contextmanager
    def around(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            raise ServiceError(
                "signals can only be handled in the main thread: run the service there, or leave "
                "SignalTask out"
            )
        reader, writer = socket.socketpair()
        watcher = service_thread("signal-watch", partial(self._watch, reader))
        with ExitStack() as undo:
            watcher.start()
            undo.callback(watcher.join, LAST_WORD_SECONDS)
            undo.enter_context(writer)  # once it is closed, the watcher ends
            writer.setblocking(False)
            # The interpreter writes the number here as the signal comes. A Python handler alone
            # would wait for the main thread, which may just be falling asleep, and not notice.
            before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
            undo.callback(signal.set_wakeup_fd, before)
            for each in self._signals:
                previous = signal.signal(each, _leave_it_to_the_watcher)
                # None: the handler was not installed from Python, and cannot be put back.
                undo.callback(signal.signal, each, signal.SIG_DFL if previous is None else previous)
            yield

    def _watch(self, reader: socket.socket) -> None:
        with reader:
            while number := reader.recv(1):
                # Signals of somebody else's handlers are written there too.
                if number[0] in self._signals:
                    self._note(signal.Signals(number[0]))

    def _note(self, number: signal.Signals) -> None:
        self.received.append(number)
        self._noticed.set()
        if len(self.received) > 1 and self._on_second_signal is not None:
            error = caught(partial(self._on_second_signal, number))
            if error is not None:
                logger.error("on_second_signal failed: %s", describe(error), exc_info=error)


def _leave_it_to_the_watcher(_number: int, _frame: FrameType | None) -> None:
    """Without a handler in Python, the interpreter writes nothing to the wakeup descriptor."""
