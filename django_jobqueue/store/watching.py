"""Hearing that jobs may have changed, so that nobody needs to look all the time."""

from collections.abc import Collection
from threading import Event
from typing import Any, Protocol

from django_jobqueue.core.clock import monotonic

from .bell import Bell
from .file_version import FileVersion
from .sessions import PsycopgSession

WAITERS_CHANNEL = "django_jobqueue_waiters"


class JobWatch(Protocol):
    """Belongs to one thread, except for `wake`. What it misses shows only when somebody looks."""

    def start(self) -> None:
        """Hear of everything from now on; again after a lost connection, else nothing."""

    def wait(self, seconds: float, *, among: Collection[int]) -> Collection[int]:
        """Return those of the jobs that may have changed, as soon as there are some; none once
        `seconds` are over, or somebody calls `wake`.
        """
        ...

    def wake(self) -> None:
        """End the wait that is going on, or else the next one."""

    def close(self) -> None:
        """Let go of everything but the connection, which is the store's."""


class Notices:
    """What finishing statements on PostgreSQL tell: the id of each job that somebody waits for."""

    def __init__(self, session: PsycopgSession) -> None:
        self._session = session
        self._connection: Any = None  #: the one that listens
        self._heard: set[int] = set()
        self._bell = Bell()

    def start(self) -> None:
        connection = self._session.connection
        if connection is not self._connection:
            # For what arrives together with the answer to some other statement.
            connection.add_notify_handler(lambda notice: self._hear(notice.payload))
            connection.execute(f"LISTEN {WAITERS_CHANNEL}")
            self._connection = connection

    def wait(self, seconds: float, *, among: Collection[int]) -> Collection[int]:
        self._take()
        if not self._heard:
            self._bell.wait_beside(self._connection.fileno(), seconds)
            self._take()
        self._bell.clear()
        heard, self._heard = self._heard.intersection(among), set()
        return heard

    def wake(self) -> None:
        self._bell.set()

    def close(self) -> None:
        self._bell.close()

    def _take(self) -> None:
        """Take what has arrived, without waiting."""
        arrived = self._connection.pgconn
        arrived.consume_input()
        while notice := arrived.notifies():
            self._hear(notice.extra.decode())

    def _hear(self, payload: str) -> None:
        if payload.isdecimal():
            self._heard.add(int(payload))


class FileChanges:
    """Whether another connection has changed the SQLite file; a look takes microseconds."""

    LOOK_SECONDS = 0.01

    def __init__(self, using: str) -> None:
        self._file = FileVersion(using)
        self._seen: int | None = None
        self._alarm = Event()

    def start(self) -> None:
        if self._seen is None:
            self._seen = self._file.look()

    def wait(self, seconds: float, *, among: Collection[int]) -> Collection[int]:
        until = monotonic() + seconds
        while True:
            left = max(0.0, until - monotonic())
            woken = self._alarm.wait(min(left, self.LOOK_SECONDS))
            if (version := self._file.look()) != self._seen:
                self._seen = version
                return among
            if woken or left <= 0:
                self._alarm.clear()
                return ()

    def wake(self) -> None:
        self._alarm.set()

    def close(self) -> None:
        """Nothing was opened."""
