"""What became of those that waited for others."""

import msgspec

from .states import JobState


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """A job that waited for one that is final now, and what became of it because of that."""

    id: int
    handler: str
    queue: str
    state: JobState  #: ready, scheduled or cancelled
    batch_id: int | None


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of a sweep over what jobs wait for; the next begins after `up_to`, 0 for anew."""

    followed: tuple[Followed, ...] = ()
    up_to: int = 0


class SweptBatches(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of a sweep over batches, and the queues that their ends gave jobs; the next
    begins after `up_to`, 0 for anew.
    """

    queues: tuple[str, ...] = ()
    up_to: int = 0
