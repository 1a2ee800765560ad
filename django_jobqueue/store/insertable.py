"""What an enqueue asks of a store: on the caller's connection, in the caller's transaction."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django_jobqueue.core.specs import Inserted, NewJob


class Insertable(ABC):
    """New jobs, and the receipts of those whose caller may not have heard of them."""

    @abstractmethod
    def insert(self, new: NewJob, *, now: datetime | None = None) -> Inserted:
        """Store one job, or find the live job that holds its unique key. UniqueConflict with
        `on_conflict="raise"`.
        """

    @abstractmethod
    def insert_many(self, jobs: Sequence[NewJob], *, now: datetime | None = None) -> list[Inserted]:
        """Store many jobs at once; answers come in the order of `jobs`. A conflict skips its own
        row only.
        """

    def insert_all(self, jobs: Sequence[NewJob]) -> list[Inserted]:
        """Store one job or many, all or nothing; the answers come in the order of `jobs`."""
        return [self.insert(jobs[0])] if len(jobs) == 1 else self.insert_many(jobs)

    def insert_and_notify(self, new: NewJob) -> Inserted | None:
        """Store one job without a unique key, commit it, and wake the listeners of its queue, in
        one round trip; None, and nothing is stored, where that cannot be had, as in a transaction.

        An error after the commit is raised, too: as where the answer to a commit is lost.
        """
        return None

    @abstractmethod
    def insert_once(self, receipt: UUID, jobs: Sequence[NewJob]) -> list[Inserted] | None:
        """Store the jobs of one enqueue together with its receipt, all or nothing; None where
        another try has done so already.
        """

    @abstractmethod
    def jobs_of_receipt(self, receipt: UUID) -> list[int] | None:
        """Return the ids with which the enqueue of that receipt was answered; None where it was
        not, or longer ago than receipts are kept.
        """

    @abstractmethod
    def settle_receipt(self, receipt: UUID, job_ids: Sequence[int]) -> bool:
        """Let the enqueue of that receipt be answered with these ids, and store no job for it;
        False where it has an answer already.
        """
