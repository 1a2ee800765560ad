"""Whether a SQLite file has changed, for those who ask a hundred times a second."""

import os
from collections.abc import Callable
from typing import Any

from django.db import connections

from django_jobqueue.core.clock import monotonic

#: Of a write-ahead log: when it was written, how long it is, and which file it is.
Traces = tuple[int, int, int]


class FileVersion:
    """A number that is another one once another connection has committed; for one thread.

    What is committed is written to the log before anybody can read it, so while the log stays as it
    is, SQLite need not be asked. It is asked all the same for TRUST_SECONDS after each change: the
    times of files advance in steps, and a commit can be read only some time after it was written.
    And once in TRUST_SECONDS in any case: so much later a change is seen if the file system told
    its time too late, or if more than that went by between the two. Without a log, as in other
    journal modes, SQLite is asked each time.

    https://www.sqlite.org/pragma.html#pragma_data_version
    """

    TRUST_SECONDS = 0.25

    def __init__(self, using: str, *, elapsed: Callable[[], float] = monotonic) -> None:
        self._using, self._elapsed = using, elapsed
        self._log: str | None = None
        self._traces: Traces | None = None
        self._changed_at = self._asked_at = float("-inf")
        self._version = 0

    def look(self) -> int:
        """Return the version of now."""
        now, traces = self._elapsed(), self._traces_of_log()
        if traces != self._traces:
            self._traces, self._changed_at = traces, now
        is_recent = now - self._changed_at < self.TRUST_SECONDS
        if traces is None or is_recent or now - self._asked_at >= self.TRUST_SECONDS:
            self._version, self._asked_at = self._ask(), now
        return self._version

    def _traces_of_log(self) -> Traces | None:
        if self._log is None:
            [(_, _, file), *_] = self._rows("PRAGMA database_list")
            self._log = f"{file}-wal"
        try:
            found = os.stat(self._log)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _ask(self) -> int:
        [(version,)] = self._rows("PRAGMA data_version")
        return int(version)

    def _rows(self, text: str) -> list[tuple[Any, ...]]:
        with connections[self._using].cursor() as cursor:
            rows: list[tuple[Any, ...]] = cursor.execute(text).fetchall()
        return rows
