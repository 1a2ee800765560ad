"""Wake-ups from other processes: LISTEN on PostgreSQL, the file's version on SQLite. Polling goes
on beside both, more seldom.
"""

from collections.abc import Callable

from django.db import connections

from django_jobqueue.core.clock import monotonic
from django_jobqueue.events import EventBus
from django_jobqueue.service import StopReceiver, TickingTask
from django_jobqueue.store.file_version import FileVersion
from django_jobqueue.store.notifications import Notifications


class Listener(TickingTask):
    """Waits for notifications on a connection of its own, and proves every 15 s that it still
    hears. It wakes the pump, and has the poller look a moment later: at once, its look would keep
    the pump from the interpreter, and its claim from the server. So would a proof, which is a new
    connection: it waits for a quiet moment, if there is one soon.

    Where it does not, because the connection is half open or a pooler in transaction mode swallows
    LISTEN, it says so once, opens a new connection and tries again; the pump polls meanwhile.
    """

    id = "listener"
    PROOF_SECONDS = 15.0
    #: How much later a proof is sent where one notification follows another.
    PATIENCE_SECONDS = 5.0
    #: One wait: short enough that a stop is noticed in time.
    WAIT_SECONDS = 0.5
    #: By then an idle pump has claimed what it was woken for.
    MOMENT_SECONDS = 0.01

    def __init__(
        self,
        *,
        notifications: Notifications,
        serves: Callable[[str], bool],
        wake: Callable[[str], None],
        look: Callable[[], object],
        events: EventBus,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__(interval=self.PROOF_SECONDS, backoff=1.0, max_backoff=30.0)
        self._notifications, self._serves = notifications, serves
        self._wake_pump, self._look, self._events = wake, look, events
        self._elapsed = elapsed
        self._look_at: float | None = None
        self._is_quiet = True  #: whether the last wait heard no wake-up
        self._proof_sent_at: float | None = None
        self._next_proof = 0.0
        self.hears = False  #: whether the last proof came back

    def run(self, stop: StopReceiver) -> None:
        try:
            super().run(stop)
        finally:
            self._notifications.close()

    def tick(self) -> float | None:
        try:
            self._ask_for_proof()
            wait = self.WAIT_SECONDS if self._look_at is None else self.MOMENT_SECONDS
            told = self._notifications.wait(wait)
            for heard in told:
                self._handle(heard)
            self._is_quiet = all(heard == self._notifications.proof for heard in told)
            self._look_soon()
            self._check_proof()
        except Exception:
            self._lose()
            raise
        return 0.0

    def is_well(self) -> bool:
        # A new connection that hears nothing either is the same trouble.
        return self.hears

    def _handle(self, heard: str) -> None:
        if heard == self._notifications.proof:
            self._proof_sent_at = None
            if not self.hears:
                self.hears = True
                self._events.emit("listener.hears")
        elif self._serves(heard):
            self._wake_pump(heard)
            if self._look_at is None:
                self._look_at = self._elapsed() + self.MOMENT_SECONDS

    def _look_soon(self) -> None:
        if self._look_at is not None and (self._is_quiet or self._elapsed() >= self._look_at):
            self._look_at = None
            self._look()

    def _ask_for_proof(self) -> None:
        now = self._elapsed()
        due_at = self._next_proof + (0.0 if self._is_quiet else self.PATIENCE_SECONDS)
        if self._proof_sent_at is None and now >= due_at:
            self._notifications.send_proof()
            self._proof_sent_at, self._next_proof = now, now + self.PROOF_SECONDS

    def _check_proof(self) -> None:
        sent = self._proof_sent_at
        if sent is not None and self._elapsed() - sent >= self.PROOF_SECONDS / 3:
            raise ConnectionError(
                "notifications do not arrive: the connection is half open, or a pooler in "
                "transaction mode is in between"
            )

    def _lose(self) -> None:
        self._notifications.close()
        self._proof_sent_at, self._next_proof = None, 0.0
        if self.hears:
            self.hears = False
            self._events.emit("listener.deaf")


class DataVersionWatch(TickingTask):
    """Wakes the pump when another connection has changed the SQLite file.

    A look takes microseconds, so pickup is fast without a server.
    """

    id = "data version watch"
    LOOK_SECONDS = 0.01
    hears = False  #: whether it looks

    def __init__(self, using: str, *, wake: Callable[[], None]) -> None:
        super().__init__(interval=self.LOOK_SECONDS, jitter=0.0)
        self._using, self._wake_pump = using, wake
        self._file = FileVersion(using)
        self._seen: int | None = None

    def run(self, stop: StopReceiver) -> None:
        try:
            super().run(stop)
        finally:
            connections[self._using].close()

    def tick(self) -> float | None:
        version = self._file.look()
        self.hears = True
        if version != self._seen:
            self._seen = version
            self._wake_pump()
        return None
