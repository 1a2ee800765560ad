"""What becomes of jobs that wait for others: a part of the contract of a store."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from django_jobqueue.core.following import Followed, Swept
from django_jobqueue.core.specs import Inserted, NewJob


class Followable(ABC):
    """A finish, a cancellation and a discard do this in their own transaction.

    A blocked job that waits for a job bears its id in `waits_for`, and nothing in `blocked_by`.
    """

    @abstractmethod
    def insert_chain(
        self, jobs: Sequence[NewJob], *, now: datetime | None = None
    ) -> list[Inserted]:
        """Store jobs each of which waits for the one before, all or nothing.

        UniqueConflict if the unique key of any of them is taken, whatever its `on_conflict` says.
        """

    @abstractmethod
    def follow(self, ids: Sequence[int], *, now: datetime | None = None) -> list[Followed]:
        """Let those go on that wait for one of these jobs where that has succeeded; cancel them,
        and all that wait for them, where it did not, unless they hold.

        For a job that lives nothing happens, and nothing happens twice.
        """

    @abstractmethod
    def sweep_waiting(self, *, after: int = 0, limit: int = 500) -> Swept:
        """Do so for those that are waited for and live no more, in the order of their ids: where
        a finish has passed over a locked row, or knew nothing of chains.
        """
