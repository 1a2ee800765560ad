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
        self._asked: Any = None  #: the connection that was told to listen, whether it does or not
        self._beside: list[str] = []

    @classmethod
    def apart(cls, using: str) -> Self:
        """Return what hears on a connection of its own."""
        return cls(_session_apart(using))

    @property
    def connection(self) -> Any:
        """The psycopg connection that listens, or None; from any thread."""
        current = self._session.current
        return current if current is self._listens_on else None

    def connect(self) -> None:
        """Connect, unless it is connected."""
        self._session.open()

    def listen(self) -> bool:
        """Listen where that is connected, and did not; return whether that was so. A connection
        that refuses to raises psycopg's error, once.
        """
        connection = self._session.current
        if connection is None or connection is self._asked:
            return False
        self._asked = connection
        # psycopg takes in what comes beside the answer to a statement.
        connection.add_notify_handler(lambda heard: self._beside.append(heard.payload))
        connection.execute(f"LISTEN {CHANNEL}", prepare=False)
        self._listens_on = connection
        return True

    def take(self) -> tuple[list[str], list[str]]:
        """Return the payloads that came beside answers to statements, and those that have come
        since, without waiting; psycopg's OperationalError where the connection is lost.
        """
        alone = []
        if (connection := self.connection) is not None:
            pgconn = connection.pgconn
            pgconn.consume_input()
            while (one := pgconn.notifies()) is not None:
                alone.append(one.extra.decode())
        beside, self._beside = self._beside, []
        return beside, alone

    def send(self, payload: str) -> None:
        """Send a payload that must come back; from any thread."""
        # Not on the connection that listens: a pooler in transaction mode hands a notification to
        # whoever has the server's connection when it arrives, and that is who sent it.
        apart = _session_apart(self._session.using)
        try:
            parameters = {"channel": CHANNEL, "payload": payload}
            apart.rows("SELECT pg_notify(%(channel)s, %(payload)s)", parameters)
        finally:
            apart.close()

    def close(self) -> None:
        """Close the connection; the next statement opens a new one."""
        self._session.close()


def _session_apart(using: str) -> PsycopgSession:
    # Not prepared: behind a pooler the statements may land on different servers.
    return PsycopgSession(using, prepared=False, name="django_jobqueue listener")
