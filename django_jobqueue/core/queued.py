"""What waits for a handler in the database, and what of it the code of this process cannot run."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from .states import DeathReason


class QueuedKind(StrEnum):
    """Where a call of a handler is kept until it runs."""

    JOB = "job"
    BATCH = "batch"  #: a job that waits for the end of one
    SCHEDULE = "schedule"
    TEMPLATE = "template"


class QueuedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A stored call: `named` is the id or the name of what keeps it, `payload` JSON text.

    `later` is an argument that is added before it runs. `options` are those of a template, which
    must suit its handler, too; a template that leaves its queue to its handler has "" here.
    """

    kind: QueuedKind
    named: int | str
    handler: str
    queue: str
    payload: str
    later: str | None = None
    options: Mapping[str, object] | None = None


class QueuedStretch(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of one stretch of rows. The next stretch begins after the id `up_to`; None where
    this was the last one.
    """

    calls: tuple[QueuedCall, ...]
    up_to: int | None


class MisfitExample(msgspec.Struct, frozen=True, kw_only=True):
    """One call that cannot run, and why, without the values of its arguments."""

    named: int | str
    queue: str
    why: str


class Misfit(msgspec.Struct, frozen=True, kw_only=True):
    """How many calls of one handler cannot run; `reason` is what their jobs would die of. There is
    an example of each `why`, up to a few.
    """

    kind: QueuedKind
    handler: str
    reason: DeathReason
    count: int
    examples: tuple[MisfitExample, ...]


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: how many calls of each kind were looked at, and those that cannot run."""

    looked_at: Mapping[QueuedKind, int]
    misfits: tuple[Misfit, ...]
