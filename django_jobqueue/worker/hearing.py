"""A pause that ends when a notification comes, on the very connection that is needed then."""

from collections.abc import Callable
from typing import Any, Protocol
from uuid import uuid4

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.error_text import describe_error
from django_jobqueue.store.bell import Bell
from django_jobqueue.store.notifications import Notifications

from .heard import Heard


class Wake(Protocol):
    """What one thread waits for, as for a threading.Event, and others set."""

    def set(self) -> None: ...
    def is_set(self) -> bool: ...
    def clear(self) -> None: ...
    def wait(self, timeout: float | None = None) -> bool: ...


class Hearing:
    """What a pump waits for, as for a threading.Event, and hears notifications with meanwhile.

    One thread waits, any may `set` it. In the thread that waits, it has a queue woken that it
    `serves` and was told of, or any when it begins to listen and when the connection is lost; and
    has the poller `look` a moment after it was told: at once, that would keep the pump from the
    interpreter, and its claim from the server. Where it was told so often that more may have been
    held back, the poller looks once more when that cannot be any longer. `changed` is called when
    another connection listens, or none does, and when the `proof` was heard.
    """

    PROOF = "proof:"  #: how the payloads begin that concern nobody but who sent them
    #: By then an idle pump has claimed what it was woken for.
    MOMENT_SECONDS = 0.01
    #: By then a busy pump is told of what has ended, mostly.
    SHORT_SECONDS = 0.003
    #: A connection that is lost sooner than that after the last is not opened anew at once.
    PATIENCE_SECONDS = 1.0

    def __init__(
        self,
        *,
        serves: Callable[[str], bool],
        wake: Callable[[str | None], object],
        look: Callable[[], object],
        debounce_seconds: float = 0.0,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._serves, self._wake, self._look, self._elapsed = serves, wake, look, elapsed
        self._bell = Bell()
        self._notifications: Notifications | None = None
        self._is_busy: Callable[[], bool] = lambda: False
        self._hear_by = float("-inf")  #: when to hear what has come, although it is set
        self._known: object = None  #: the connection that listened when it was looked at last
        self._look_at: float | None = None
        self._heard = Heard(debounce_seconds=debounce_seconds)
        self._is_to_renew = False
        self.changed: Callable[[], object] = lambda: None
        self.proof = f"{self.PROOF}{uuid4()}"
        #: When the proof came while it waited, and when beside something else; and when a
        #: connection was lost.
        self.proved_at = self.proved_beside_at = self._lost_at = float("-inf")
        self.is_waiting = False  #: whether what comes now is heard at once
        self.refusal: str | None = None  #: why the connection cannot listen

    def listens_with(
        self, notifications: Notifications | None, *, is_busy: Callable[[], bool] = lambda: False
    ) -> None:
        """Take these, before the first wait; `is_busy` says whether it will soon be set anyway."""
        self._notifications, self._is_busy = notifications, is_busy

    # From any thread.

    def set(self) -> None:
        self._bell.set()

    def is_set(self) -> bool:
        return self._bell.is_set()

    def clear(self) -> None:
        self._bell.clear()

    @property
    def connection(self) -> Any:
        """The psycopg connection that listens, or None."""
        return None if self._notifications is None else self._notifications.connection

    @property
    def heard_at(self) -> float:
        """When the last wake-up came."""
        return self._heard.last

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
        now = self._elapsed()
        if now < self._hear_by and self._bell.is_set() and not self._is_to_renew:
            return True  # as for most of the pauses of a busy pump
        until, self._hear_by = None if timeout is None else now + timeout, now + self.MOMENT_SECONDS
        if self._notifications is not None:
            self._listen(self._notifications)
        self._hear()  # what came beside answers to statements
        while True:
            self._look_if_due()
            if self._is_to_renew:
                self._lose()
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
        connection = self.connection
        fileno = None if connection is None else connection.fileno()
        if self._is_busy():
            # To wait with a selector, and to be woken out of it, is dearer.
            short = self.SHORT_SECONDS if seconds is None else min(seconds, self.SHORT_SECONDS)
            if self._bell.wait(short) or short == seconds:
                return
        self.is_waiting = True
        is_told = self._bell.wait_beside(fileno, seconds)
        self.is_waiting = False
        if is_told:
            self._hear()

    def _listen(self, notifications: Notifications) -> None:
        try:
            if notifications.listen():
                self.refusal = None
                # Nobody was told of what came since the last look.
                self._wake(None)
        except Exception as error:
            # It may do for all else: a pooler may refuse this.
            described = describe_error(error)
            self.refusal = f"{described.type}: {described.message}"
            self.changed()
        if notifications.connection is not self._known:
            self._known = notifications.connection
            self.changed()

    def _hear(self) -> None:
        if self._notifications is None:
            return
        try:
            beside, alone = self._notifications.take()
        except Exception:
            self._lose()
            return
        for payload in beside:
            self._handle(payload, is_beside=True)
        for payload in alone:
            self._handle(payload)

    def _handle(self, payload: str, *, is_beside: bool = False) -> None:
        if payload == self.proof:
            # A pooler in transaction mode hands on what comes during a transaction, and no more.
            if is_beside:
                self.proved_beside_at = self._elapsed()
            else:
                self.proved_at = self._elapsed()
            self.changed()
        elif not payload.startswith(self.PROOF) and self._serves(payload):
            now = self._elapsed()
            self._heard.add(now)
            soon = now + self.MOMENT_SECONDS
            self._look_at = soon if self._look_at is None else min(self._look_at, soon)
            self._wake(payload)

    def _look_if_due(self) -> None:
        now = self._elapsed()
        if self._look_at is not None and now >= self._look_at:
            again_at = self._heard.held_back_until() + self.MOMENT_SECONDS
            may_be_more = self._heard.are_many(now) and now < again_at
            self._look_at = again_at if may_be_more else None
            self._look()

    def _lose(self) -> None:
        """Whoever needs the connection next, at once, opens another."""
        if self._notifications is not None:
            self._notifications.close()
        self._is_to_renew, self._known, now = False, None, self._elapsed()
        if now - self._lost_at >= self.PATIENCE_SECONDS:
            self._wake(None)
        self._lost_at = now
        self.set()
        self.changed()
