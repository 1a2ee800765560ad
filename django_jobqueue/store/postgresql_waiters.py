"""Waiters on PostgreSQL: rows that finishing statements look at, and what these tell."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from uuid import UUID

from .postgresql_arrays import array
from .postgresql_workers import PostgreSQLWorkers, statement
from .sessions import PsycopgSession
from .watching import JobWatch, Notices


class PostgreSQLWaiters(PostgreSQLWorkers):
    """The rows are short-lived: a site that waits for nothing has an empty table."""

    def attempts_over(self, job_ids: Collection[int]) -> Mapping[int, int]:
        rows = self.session.rows(statement("attempts_over"), {"ids": array(job_ids)})
        return dict(rows)

    def keep_waiters(self, waiter: UUID, job_ids: Collection[int], *, lease: timedelta) -> None:
        # Sorted, so that two statements lock shared rows in one order.
        facts = {"waiter": waiter, "ids": array(sorted(job_ids)), "lease": lease.total_seconds()}
        self.session.rows(statement("keep_waiters"), facts)

    def drop_waiters(self, waiter: UUID, job_ids: Collection[int]) -> None:
        facts = {"waiter": waiter, "ids": array(job_ids)}
        self.session.rows(statement("drop_waiters"), facts)

    def tell_waiters(self, job_ids: Collection[int]) -> None:
        if job_ids:
            self.statement("tell_waiters", {"ids": array(job_ids)})

    def watch_jobs(self) -> JobWatch:
        assert isinstance(self.session, PsycopgSession), "ask a store that `dedicated` gave"
        return Notices(self.session)
