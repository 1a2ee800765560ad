"""What waiting for jobs asks of a store: a part of its contract."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from datetime import timedelta
from uuid import UUID

from .watching import JobWatch


class Waitable(ABC):
    """Who waits leaves a row first and looks then, so that it is told or sees for itself."""

    @abstractmethod
    def attempts_over(self, job_ids: Collection[int]) -> Mapping[int, int]:
        """Return the live ones among these jobs, each with how many of its attempts are over."""

    @abstractmethod
    def keep_waiters(self, waiter: UUID, job_ids: Collection[int], *, lease: timedelta) -> None:
        """Leave a row for each of these jobs, or renew its lease: `waiter` is told when the job, or
        a run of it, is finished. Nothing where the database tells nobody.
        """

    @abstractmethod
    def drop_waiters(self, waiter: UUID, job_ids: Collection[int]) -> None:
        """Remove these rows of `waiter`."""

    @abstractmethod
    def tell_waiters(self, job_ids: Collection[int]) -> None:
        """Tell who waits for these jobs, once the transaction has committed; what a claim is
        finished with does so by itself.
        """

    @abstractmethod
    def watch_jobs(self) -> JobWatch:
        """Return what hears of finished jobs, on the connection of this store: `dedicated` gave
        it.
        """
