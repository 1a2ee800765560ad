"""The values of schedules and templates that cross layers."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from .cron import Rule
from .specs import NewJob

SLOTS_KEPT = 10  #: how many past slots of a schedule are told


class Missed(StrEnum):
    """What to do about slots at which no scheduler was there."""

    SKIP = "skip"
    ONCE = "once"  #: one job for all of them, in the latest slot
    ALL = "all"  #: a job for each, up to a cap


class Overlap(StrEnum):
    """What to do in a slot while an earlier occurrence has not ended."""

    ALLOW = "allow"
    SKIP = "skip"


class Source(StrEnum):
    """Where a schedule was said; what is declared is kept in step with its declaration."""

    CODE = "code"
    SETTINGS = "settings"
    CALL = "call"
    ADMIN = "admin"

    @property
    def is_declaration(self) -> bool:
        return self in (Source.CODE, Source.SETTINGS)


class ScheduleTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The rule of a schedule and how it is kept; a job starts up to `jitter` after its slot."""

    rule: Rule
    missed: Missed = Missed.ONCE
    missed_cap: int = 100
    overlap: Overlap = Overlap.ALLOW
    jitter: timedelta = timedelta(0)


class NewSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule to be stored under its name; `job` is what each slot enqueues."""

    name: str
    source: Source
    terms: ScheduleTerms
    job: NewJob


class ScheduleSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule as it stood when it was looked up. `terms` is None where the row cannot be read;
    `disabled_reason` says then what is wrong. `next_slot` is None while it is disabled, and
    where it waits for the end of an occurrence. `payload` is JSON text; it and `options` are those
    of the job that each slot enqueues.
    """

    name: str
    source: Source
    handler: str
    template: str | None
    terms: ScheduleTerms | None
    paused_at: datetime | None
    pause_reason: str
    disabled_at: datetime | None
    disabled_reason: str
    next_slot: datetime | None
    last_slot: datetime | None
    payload: str
    options: dict[str, object]


class SlotOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one slot: the job that was enqueued, or the `reason` of none. Its handler and
    queue are told of a slot that was just fired.
    """

    schedule: str
    slot: datetime
    job_id: int | None = None
    handler: str = ""
    queue: str = ""
    reason: str = ""


class Fired(msgspec.Struct, frozen=True, kw_only=True):
    """What one round of a scheduler did; `disabled` are (schedule, reason). The next slot is due in
    `next_slot_seconds` (None: none is known).
    """

    slots: tuple[SlotOutcome, ...] = ()
    disabled: tuple[tuple[str, str], ...] = ()
    next_slot_seconds: float | None = None


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """What bringing the rows in step with the declarations changed: names, and (name, reason)."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    disabled: tuple[tuple[str, str], ...] = ()


class StoredTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A stored job to copy from. `payload` is JSON text, `options` what `using` would take."""

    name: str
    handler: str
    payload: str
    options: dict[str, object] = {}
