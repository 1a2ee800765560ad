"""A pause that ends when a notification comes, on the very connection that is needed then."""

from collections.abc import Callable
from uuid import uuid4

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.error_text import describe_error
from django_jobqueue.store.notifications import Notifications

from .bell import Bell


class Hearing:
    """What a pump waits for, as for a threading.Event, and hears notifications with meanwhile.

    One thread waits, any may `set` it. In the thread that waits, it has the queue woken that it
    `serves` and was told of, or any where the connection was lost; and has the poller `look` a
    moment later: at once, that would keep the pump from the interpreter, and its claim from the
    server. `changed` is called when it listens anew, does not any more, or heard its `proof`.
    """

    #: By then an idle pump has claimed what it was woken for.
    MOMENT_SECONDS = 0.01
    #: When to try again on a connection that refuses to listen.
    RETRY_SECONDS = 5.0

    def __init__(
        self,
        *,
        serves: Callable[[str], bool],
        wake: Callable[[str | None], object],
        look: Callable[[], object],
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._serves, self._wake, self._look, self._elapsed = serves, wake, look, elapsed
        self._bell = Bell()
        self._notifications: Notifications | None = None
        self._look_at: float | None = None
        self._is_to_renew = False
        self._listen_after = float("-inf")
        self.changed: Callable[[], object] = lambda: None
        self.proof = f"proof:{uuid4()}"
        self.proved_at = self.heard_at = float("-inf")
        self.is_waiting = False  #: whether what comes now is heard at once
        self.trouble = "none was opened"  #: why no connection listens, if none does

    def listens_with(self, notifications: Notifications | None) -> None:
        """Take these, before the first wait."""
        self._notifications = notifications

    # From any thread.

    def set(self) -> None:
        self._bell.set()

    def is_set(self) -> bool:
        return self._bell.is_set()

    def clear(self) -> None:
        self._bell.clear()

    @property
    def connection(self) -> object:
        """The one that listens, or None."""
        return None if self._notifications is None else self._notifications.connection

    def send_proof(self) -> None:
        """Send what must come back, where something listens."""
        if self._notifications is not None:
            self._notifications.send(self.proof)

    def renew(self) -> None:
        """Have a new connection opened by whoever needs it next."""
        self._is_to_renew = True
        self.set()

    # The thread that waits.

    def wait(self, timeout: float | None = None) -> bool:
        """Return whether it is set by then, as it is once a wake-up was heard, or the connection
        was lost.
        """
        until = None if timeout is None else self._elapsed() + timeout
        self._listen()
        while True:
            self._look_if_due()
            if self._bell.is_set():
                return True
            now = self._elapsed()
            if until is not None and now >= until:
                return False
            ends = [end for end in (until, self._look_at) if end is not None]
            self._pause(max(0.0, min(ends) - now) if ends else None)

    def close(self) -> None:
        self._bell.close()

    def _pause(self, seconds: float | None) -> None:
        connection = None if self._notifications is None else self._notifications.connection
        fileno = None if connection is None else connection.fileno()
        self.is_waiting = True
        is_told = self._bell.wait_beside(fileno, seconds)
        self.is_waiting = False
        if is_told:
            self._hear()

    def _listen(self) -> None:
        if self._is_to_renew:
            self._is_to_renew = False
            self._lose()
        if self._notifications is not None and self._elapsed() >= self._listen_after:
            self._listen_with(self._notifications)
        self._hear()  # what came beside the answers to other statements

    def _listen_with(self, notifications: Notifications) -> None:
        try:
            if notifications.listen():
                self.changed()
        except Exception as error:
            # It may do for all else: a pooler may refuse this.
            self.trouble = _told(error)
            self._listen_after = self._elapsed() + self.RETRY_SECONDS
            self.changed()

    def _hear(self) -> None:
        for payload in self._heard():
            self._handle(payload)

    def _heard(self) -> list[str]:
        try:
            return [] if self._notifications is None else self._notifications.take()
        except Exception as error:
            self.trouble = _told(error)
            self._lose()
            return []

    def _look_if_due(self) -> None:
        if self._look_at is not None and self._elapsed() >= self._look_at:
            self._look_at = None
            self._look()

    def _lose(self) -> None:
        """Whoever needs the connection next, at once, opens another."""
        if self._notifications is not None:
            self._notifications.close()
        self._wake(None)
        self.set()
        self.changed()

    def _handle(self, payload: str) -> None:
        if payload == self.proof:
            self.proved_at = self._elapsed()
            self.changed()
        elif self._serves(payload):
            self.heard_at = self._elapsed()
            if self._look_at is None:
                self._look_at = self.heard_at + self.MOMENT_SECONDS
            self._wake(payload)


def _told(error: Exception) -> str:
    described = describe_error(error)
    return f"{described.type}: {described.message}"
