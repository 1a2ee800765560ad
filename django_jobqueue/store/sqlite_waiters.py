"""Waiters on SQLite: it tells nobody, but a change of its file is seen at once."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from uuid import UUID

import msgspec

from .sqlite_workers import SQLiteWorkers
from .watching import FileChanges, JobWatch


class SQLiteWaiters(SQLiteWorkers):
    """No rows are kept: nobody would look at them, and each would take the write lock."""

    def attempts_over(self, job_ids: Collection[int]) -> Mapping[int, int]:
        asked = msgspec.json.encode(list(job_ids)).decode()
        return dict(self.statement("attempts_over", {"ids": asked}))

    def keep_waiters(self, waiter: UUID, job_ids: Collection[int], *, lease: timedelta) -> None:
        """Nothing is told here."""

    def drop_waiters(self, waiter: UUID, job_ids: Collection[int]) -> None:
        """Nothing is kept here."""

    def tell_waiters(self, job_ids: Collection[int]) -> None:
        """The write itself shows."""

    def watch_jobs(self) -> JobWatch:
        return FileChanges(self.using)
