"""Batches as values: what is stored of one, and how it stands."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from .specs import NewJob


class NewBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch to be stored: the jobs that are enqueued when it has finished; `meta` is JSON text.

    `on_finish` whatever became of its members, `on_success` if all have succeeded, `on_failure` if
    one is dead or was cancelled. `result_as` of such a job names what takes the id of the batch.
    """

    meta: str = "{}"
    parent_id: int | None = None
    on_success: NewJob | None = None
    on_failure: NewJob | None = None
    on_finish: NewJob | None = None


class BatchSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A batch as it stood when somebody looked, with the numbers of its members."""

    id: int
    parent_id: int | None
    meta: Mapping[str, object]
    created_at: datetime
    finished_at: datetime | None
    waiting: int  #: scheduled, blocked or ready
    running: int
    succeeded: int
    cancelled: int
    dead: int

    @property
    def is_finished(self) -> bool:
        return self.finished_at is not None

    @property
    def total(self) -> int:
        return self.waiting + self.running + self.succeeded + self.cancelled + self.dead

    @property
    def ended(self) -> int:
        """How many members will not run again by themselves."""
        return self.succeeded + self.cancelled + self.dead


class EndedBatch(msgspec.Struct, frozen=True):
    """A batch without live members, as it is read under its lock; JSON columns as text.

    A job that was enqueued at an earlier end is None. The order is that of `batch_facts.sql`.
    """

    id: int
    parent_id: int | None
    succeeded: int
    cancelled: int
    dead: int
    on_success: str | None
    on_failure: str | None
    on_finish: str | None

    @property
    def has_failed(self) -> bool:
        return self.cancelled + self.dead > 0

    def due(self) -> dict[str, str]:
        """Return the jobs that are to be enqueued now, by what they wait for."""
        jobs = {
            "success": None if self.has_failed else self.on_success,
            "failure": self.on_failure if self.has_failed else None,
            "finish": self.on_finish,
        }
        return {when: job for when, job in jobs.items() if job is not None}
