"""Hearing NOTIFY on PostgreSQL, on a connection that may do other things besides."""

from typing import Any, Self

from .sessions import PsycopgSession

CHANNEL = "django_jobqueue"


class Notifications:
    """What the connection of a session hears; for the thread that uses it, but for `send`. Payloads
    are queue names, or what was sent to find out whether it hears.
    """

    def __init__(self, session: PsycopgSession) -> None:
        self._session = session
        self._listens_on: Any = None
        self._came: list[str] = []

    @classmethod
    def apart(cls, using: str) -> Self:
        """Return what hears on a connection of its own."""
        # Not prepared: behind a pooler the statements may land on different servers.
        return cls(PsycopgSession(using, prepared=False, name="django_jobqueue listener"))

    @property
    def connection(self) -> Any:
        """The psycopg connection that listens, or None; from any thread."""
        current = self._session.current
        return None if current is None or current is not self._listens_on else current

    def open(self) -> None:
        """Connect, unless it is connected, and listen."""
        self._session.open()
        self.listen()

    def listen(self) -> bool:
        """Listen where that is connected, and did not; return whether that was so."""
        connection = self._session.current
        if connection is self._listens_on:
            return False
        self._listens_on = None
        if connection is None:
            return False
        connection.execute(f"LISTEN {CHANNEL}", prepare=False)
        # What comes beside the answer to a statement is not seen by whoever waits afterwards.
        connection.add_notify_handler(lambda heard: self._came.append(heard.payload))
        self._listens_on = connection
        return True

    def take(self) -> list[str]:
        """Return the payloads that have come, without waiting; psycopg's OperationalError where the
        connection is lost.
        """
        if self._listens_on is not None:
            pgconn = self._listens_on.pgconn
            pgconn.consume_input()
            while (one := pgconn.notifies()) is not None:
                self._came.append(one.extra.decode())
        came, self._came = self._came, []
        return came

    def send(self, payload: str) -> None:
        """Send a payload that must come back; from any thread."""
        # Not on the connection that listens: a pooler in transaction mode hands a notification to
        # whoever has the server's connection when it arrives, and that is who sent it.
        apart = PsycopgSession(self._session.using, prepared=False, name=self._session.name)
        try:
            parameters = {"channel": CHANNEL, "payload": payload}
            apart.rows("SELECT pg_notify(%(channel)s, %(payload)s)", parameters)
        finally:
            apart.close()

    def close(self) -> None:
        """Close the connection; the next `open`, or the next statement on it, opens a new one."""
        self._listens_on = None
        self._session.close()
