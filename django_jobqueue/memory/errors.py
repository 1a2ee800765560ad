"""What queues in memory and lines raise on purpose."""

from django_jobqueue.core.errors import JobQueueError


class QueueStopped(JobQueueError):
    """Runners were to be added to an operation queue that was stopped."""

    def __init__(self) -> None:
        super().__init__("the queue has been stopped and cannot be started again")


class QueueClosed(JobQueueError):
    """An operation was enqueued after its queue was stopped; it will not be performed."""

    def __init__(self) -> None:
        super().__init__("could not send operation to queue: sending into a closed channel")


class QueueShutDown(JobQueueError):
    """A job was pushed into a memory queue that was shut down, or that queue was to be started."""

    def __init__(self) -> None:
        super().__init__("queue has been shut down")


class QueueFull(JobQueueError):
    """A memory queue has as many pending jobs as it may have."""

    def __init__(self, max_pending: int) -> None:
        super().__init__("queue full")
        self.max_pending = max_pending


class PayloadNotSerialised(JobQueueError):
    """A payload of a memory queue has no JSON form; `why` names the place in it."""

    def __init__(self, why: str) -> None:
        super().__init__(f"failed to serialize job payload: {why}")
        self.why = why


class LineLost(JobQueueError):
    """The token of a cluster-wide line may no longer be held; another worker may have one."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the line {name!r} may be held by another worker by now: the lease of this token was "
            "not renewed in time"
        )
        self.name = name
