"""What can be wrong with a batch."""

from .errors import JobQueueError


class BatchNotFound(JobQueueError):
    """No table has the batch: it was never stored, or its time was over."""

    def __init__(self, batch_id: int) -> None:
        super().__init__(f"there is no batch {batch_id}")
        self.batch_id = batch_id


class BatchFinished(JobQueueError):
    """Nothing can be added to a batch that has finished; nothing was stored."""

    def __init__(self, batch_id: int) -> None:
        super().__init__(
            f"batch {batch_id} has finished: what waited for that is enqueued. Add jobs while a "
            "member runs, best from a member itself."
        )
        self.batch_id = batch_id
