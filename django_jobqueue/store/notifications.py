"""Hearing NOTIFY on PostgreSQL, on a connection of its own."""

from typing import Any
from uuid import uuid4

from .postgresql import CHANNEL
from .sessions import PsycopgSession


class Notifications:
    """A LISTEN connection. Payloads are queue names; `proof` is the one that the listener sends to
    itself.
    """

    def __init__(self, using: str) -> None:
        self._using = using
        self._session = self._make_session()
        self._listens_on: object = None
        self.proof = f"proof:{uuid4()}"

    def wait(self, seconds: float) -> list[str]:
        """Return the payloads that came within `seconds`, the first of them at once."""
        connection = self._listening()
        return [heard.payload for heard in connection.notifies(timeout=seconds, stop_after=1)]

    def send_proof(self) -> None:
        """Send what must come back."""
        self._listening()
        # Not on the connection that listens: a pooler in transaction mode hands a notification to
        # whoever has the server's connection when it arrives, and that is who sent it.
        apart = self._make_session()
        try:
            parameters = {"channel": CHANNEL, "proof": self.proof}
            apart.rows("SELECT pg_notify(%(channel)s, %(proof)s)", parameters)
        finally:
            apart.close()

    def close(self) -> None:
        self._listens_on = None
        self._session.close()

    def _make_session(self) -> PsycopgSession:
        # Not prepared: behind a pooler the statements may land on different servers.
        return PsycopgSession(self._using, prepared=False, name="django_jobqueue listener")

    def _listening(self) -> Any:
        connection = self._session.connection
        if self._listens_on is not connection:
            connection.execute(f"LISTEN {CHANNEL}")
            self._listens_on = connection
        return connection
