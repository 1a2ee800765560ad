"""What batches ask of a store: a part of its contract."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence

from django_jobqueue.core.batches import BatchSnapshot, NewBatch
from django_jobqueue.core.following import SweptBatches
from django_jobqueue.core.specs import Inserted, NewJob

#: Jobs one after another; a job that waits for none is a list of its own.
Links = Sequence[NewJob]


class Batchable(ABC):
    """Whether a batch has finished is read from its members, so nothing is counted twice or lost.

    Who writes the end of a member asks for it in the same transaction; a requeued member opens its
    batch again. What waits for an end is enqueued once in the life of the batch.
    """

    @abstractmethod
    def insert_batch(
        self, new: NewBatch, members: Sequence[Links]
    ) -> tuple[int, list[list[Inserted]]]:
        """Store a batch and its members, all or nothing; one without any has finished at once.

        A member whose unique key is taken is left out, unless its `on_conflict` or its chain
        forbids that. BatchFinished and BatchNotFound speak of the parent.
        """

    @abstractmethod
    def insert_members(self, batch_id: int, members: Sequence[Links]) -> list[list[Inserted]]:
        """Add to a batch that has not finished, and keep it from finishing until the caller's
        transaction ends. BatchFinished, BatchNotFound.
        """

    @abstractmethod
    def finish_batches(self, ids: Collection[int]) -> list[str]:
        """Finish those of these batches that have no live member and no unfinished batch of their
        own, and then those they belong to; enqueue what waits for that. Returns the queues that
        were given jobs.
        """

    @abstractmethod
    def sweep_batches(self, *, after: int = 0, limit: int = 500) -> SweptBatches:
        """Do so for one stretch of the batches that have not finished, in the order of their ids:
        where the records of the last members were removed, or their end was written elsewhere.
        """

    @abstractmethod
    def rejoin(self, ids: Sequence[int]) -> None:
        """Open the batches of these jobs, which live again."""

    @abstractmethod
    def find_batch(self, batch_id: int) -> BatchSnapshot | None:
        """Return a batch and the numbers of its members; of one that has finished, as they were."""
