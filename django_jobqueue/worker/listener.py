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

from .hearing import Hearing


class Listener(TickingTask):
    """Proves every 15 s that the worker hears notifications. A proof is a new connection, which
    would keep the pump from the interpreter, and its claim from the server: it waits for a quiet
    moment, if there is one soon.

    Where a proof does not come back, because the connection is half open or a pooler in transaction
    mode swallows LISTEN, it says so once, has the connection renewed and tries again; the pump
    polls meanwhile.
    """

    id = "listener"
    PROOF_SECONDS = 15.0
    #: By then a proof comes back to who waits for it.
    ANSWER_SECONDS = 5.0
    #: How much later a proof is sent where one notification follows another.
    PATIENCE_SECONDS = 5.0
    #: How long ago the last wake-up is where nobody is busy with it.
    MOMENT_SECONDS = 0.02
    #: How often to look while it does not hear, or cannot say whether it does.
    AGAIN_SECONDS = 0.2

    def __init__(
        self,
        hearing: Hearing,
        *,
        events: EventBus,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__(interval=self.PROOF_SECONDS, backoff=1.0, max_backoff=30.0)
        self._hearing, self._events, self._elapsed = hearing, events, elapsed
        self._connection: object = None  #: the one that is proved
        self._next_proof = 0.0
        self._sent_at: float | None = None  #: when the proof that has not come back was sent
        self.hears = False  #: whether the last proof came back
        hearing.changed = self.wake

    def tick(self) -> float | None:
        try:
            due_in = self._prove()
        except Exception:
            self._lose()
            raise
        # After a failure nobody but the time wakes it.
        return due_in if self.hears else min(due_in, self.AGAIN_SECONDS)

    def is_well(self) -> bool:
        # A new connection that hears nothing either is the same trouble.
        return self.hears

    def _prove(self) -> float:
        # In this order: who waits now has not begun to after it was asked for the proof.
        is_waiting, now = self._hearing.is_waiting, self._elapsed()
        self._look_at_connection(now)
        if self._connection is None:
            return self.PROOF_SECONDS
        if self._sent_at is not None:
            self._look_at_proof(self._sent_at, now)
        if self._sent_at is not None:
            return self._patience(now - self._sent_at, is_waiting=is_waiting)
        if (due_in := self._proof_due_in(now)) > 0:
            return due_in
        self._sent_at, self._next_proof = now, now + self.PROOF_SECONDS
        self._hearing.send_proof()
        return self.ANSWER_SECONDS

    def _look_at_connection(self, now: float) -> None:
        """Begin anew with a new one; ConnectionError where the last was lost or refuses."""
        connection = self._hearing.connection
        if connection is not self._connection:
            self._connection, self._sent_at, self._next_proof = connection, None, now
        if connection is None and self._hearing.refusal:
            self._hearing.renew()
            raise ConnectionError(f"the connection cannot listen: {self._hearing.refusal}")
        if connection is None and self.hears:
            raise ConnectionError("the connection that listened was lost")

    def _look_at_proof(self, sent_at: float, now: float) -> None:
        if self._hearing.proved_at >= sent_at:
            self._sent_at = None
            if not self.hears:
                self.hears = True
                self._events.emit("listener.hears")
        elif self._hearing.proved_beside_at >= sent_at:
            # It says nothing of those that come while nothing else does.
            self._sent_at = None
            if not self.hears:
                self._next_proof = now + 1.0

    def _proof_due_in(self, now: float) -> float:
        if now < self._next_proof:
            return self._next_proof - now
        is_quiet = now - self._hearing.heard_at >= self.MOMENT_SECONDS
        is_late = now - self._next_proof >= self.PATIENCE_SECONDS
        return 0.0 if is_quiet or is_late else self.AGAIN_SECONDS

    def _patience(self, waited: float, *, is_waiting: bool) -> float:
        if waited < self.ANSWER_SECONDS:
            return self.ANSWER_SECONDS - waited
        if not is_waiting and waited < self.PROOF_SECONDS:
            return self.AGAIN_SECONDS  # it is heard once whoever listens has done what it does
        self._hearing.renew()
        raise ConnectionError(
            "notifications do not arrive: the connection is half open, or a pooler in "
            "transaction mode is in between"
        )

    def _lose(self) -> None:
        self._sent_at, self._next_proof = None, self._elapsed()
        if self.hears:
            self.hears = False
            self._events.emit("listener.deaf")


class Ear(TickingTask):
    """Waits for notifications where no pump does, on a connection of its own."""

    id = "ear"
    #: How often to see to the connection.
    WAIT_SECONDS = 5.0

    def __init__(self, hearing: Hearing, notifications: Notifications) -> None:
        super().__init__(interval=1.0, backoff=1.0, max_backoff=30.0)
        self._hearing, self._notifications = hearing, notifications
        hearing.listens_with(notifications)

    def run(self, stop: StopReceiver) -> None:
        try:
            with stop.notifying(self._hearing.set):
                super().run(stop)
        finally:
            self._notifications.close()
            self._hearing.close()

    def tick(self) -> float | None:
        self._notifications.connect()
        self._hearing.wait(self.WAIT_SECONDS)
        # Not before: a stop that came meanwhile would be waited for.
        self._hearing.clear()
        if self._notifications.connection is None:
            raise ConnectionError(self._hearing.refusal or "the connection was lost")
        return 0.0


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
