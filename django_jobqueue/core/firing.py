"""Which slots of a schedule are due, and what to do in each: decided without a database."""

from collections import deque
from datetime import datetime, timedelta
from itertools import takewhile

import msgspec

from .cron import Every, Rule
from .schedules import SLOTS_KEPT, Missed, ScheduleTerms

MISSED, OVER_CAP = "missed", "missed, and more than the cap"
_FIRST_LOOK_BACK = timedelta(minutes=1)


class PlannedSlot(msgspec.Struct, frozen=True, kw_only=True):
    """A due slot: a job is enqueued, unless there is a `reason` not to."""

    slot: datetime
    reason: str = ""


class Firing(msgspec.Struct, frozen=True, kw_only=True):
    """What is due, oldest first, and the slot after it."""

    slots: tuple[PlannedSlot, ...]
    next_slot: datetime | None


def plan(
    terms: ScheduleTerms,
    *,
    due: datetime,
    now: datetime,
    missed_after: timedelta,
    paused: str | None = None,
) -> Firing:
    """Decide about every slot from `due` to `now`; `paused` is why the schedule is paused, if it
    is.

    Of many missed slots only the latest are told: as many as the cap, and ten at least.
    """
    most = max(SLOTS_KEPT, terms.missed_cap if terms.missed is Missed.ALL else 1)
    slots = _latest(terms.rule, first=due, now=now, most=most)
    if paused is not None:
        reasons = [f"paused: {paused}" if paused else "paused"] * len(slots)
    else:
        reasons = _reasons(terms, slots, is_late=now - slots[-1] > missed_after)
    planned = (PlannedSlot(slot=slot, reason=why) for slot, why in zip(slots, reasons, strict=True))
    return Firing(slots=tuple(planned), next_slot=_next_slot(terms.rule, due=due, now=now))


def _reasons(terms: ScheduleTerms, slots: list[datetime], *, is_late: bool) -> list[str]:
    """Why not to enqueue, for each slot. All but the latest were missed, and that one if late."""
    earlier = len(slots) - 1
    match terms.missed:
        case Missed.SKIP:
            return [MISSED] * earlier + [MISSED if is_late else ""]
        case Missed.ONCE:
            return [MISSED] * earlier + [""]
        case Missed.ALL:
            kept = min(terms.missed_cap, len(slots))
            return [OVER_CAP] * (len(slots) - kept) + [""] * kept


def _latest(rule: Rule, *, first: datetime, now: datetime, most: int) -> list[datetime]:
    """The last `most` slots from `first` to `now`, found from the end: there may be millions."""
    if _waits_for_an_end(rule):
        return [first]
    look_back = _FIRST_LOOK_BACK
    while True:
        since = max(first, now - look_back)
        found = deque([since] if since == first else [], maxlen=most)
        after = rule.slots_after(since, anchor=first)
        found.extend(takewhile(lambda slot: slot <= now, after))
        if since == first or len(found) == most:
            return list(found)
        look_back *= 2


def _next_slot(rule: Rule, *, due: datetime, now: datetime) -> datetime | None:
    return rule.next_after(now, anchor=None if _waits_for_an_end(rule) else due)


def _waits_for_an_end(rule: Rule) -> bool:
    return isinstance(rule, Every) and rule.after == "finish"
