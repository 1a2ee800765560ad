"""What @job, `using`, the settings and the admin may say of a schedule."""

from collections.abc import Mapping
from typing import Any, Literal, Required, TypedDict

from django_jobqueue.core.clock import Seconds
from django_jobqueue.core.cron import Cron, CronString, Every, Rule, every
from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.core.schedules import Missed, Overlap, ScheduleTerms

from . import option_values as values
from .options import CallOptions

MOST_MISSED = 10_000
NAME_LENGTH = 128
#: What the columns of a name hold.
schedule_name = values.text(NAME_LENGTH)


class _KeepingOptions(TypedDict, total=False):
    missed: Literal["skip", "once", "all"]
    missed_cap: int
    overlap: Literal["allow", "skip"]
    jitter: Seconds


class ScheduleOptions(_KeepingOptions, total=False):
    """What makes a schedule: `cron` or `every`, and how it is kept. `timezone` is for cron."""

    cron: str | Cron | CronString
    every: Seconds | Every
    timezone: str


class RecurringOptions(CallOptions, ScheduleOptions, total=False):
    """What `using` takes where there is a rule already; `schedule` is the name of the schedule."""

    schedule: str


class CronOptions(CallOptions, _KeepingOptions, total=False):
    """What `using` takes where it makes a schedule of a cron string."""

    cron: Required[str | Cron | CronString]
    timezone: str
    schedule: str


class EveryOptions(CallOptions, _KeepingOptions, total=False):
    """What `using` takes where it makes a schedule of a span."""

    every: Required[Seconds | Every]
    schedule: str


def split(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options that are about a schedule, and the others; None counts as not said."""
    about = {*ScheduleOptions.__annotations__, "schedule"}
    said = {option: value for option, value in given.items() if value is not None}
    ours = {option: value for option, value in said.items() if option in about}
    return ours, {option: value for option, value in given.items() if option not in about}


def terms_of(given: Mapping[str, Any]) -> ScheduleTerms | None:
    """Return what the options say; None where they say nothing of a schedule.

    InvalidOptions, or InvalidSchedule for a rule that cannot be. A time zone is not looked up: a
    machine that lacks one must still start.
    """
    if not given:
        return None
    if ("cron" in given) == ("every" in given):
        option = next(iter(given))
        raise InvalidOptions(option, "is about a schedule: give either 'cron' or 'every' with it")
    rule = _rule_of(given)
    kept: dict[str, Any] = {}
    if "missed" in given:
        kept["missed"] = Missed(_MISSED("missed", given["missed"]))
    if "missed_cap" in given:
        kept["missed_cap"] = _cap(given["missed_cap"], missed=kept.get("missed"))
    if "overlap" in given:
        kept["overlap"] = Overlap(_OVERLAP("overlap", given["overlap"]))
    if "jitter" in given:
        kept["jitter"] = values.span("jitter", given["jitter"])
    return ScheduleTerms(rule=rule, **kept)


_MISSED = values.one_of(*(missed.value for missed in Missed))
_OVERLAP = values.one_of(*(overlap.value for overlap in Overlap))


def _rule_of(given: Mapping[str, Any]) -> Rule:
    if "every" in given:
        if "timezone" in given:
            raise InvalidOptions("timezone", "is for cron: a span is the same in every zone")
        span = given["every"]
        return span if isinstance(span, Every) else every(span)
    cron, timezone = given["cron"], given.get("timezone")
    if isinstance(cron, Cron | CronString):
        if timezone is not None:
            raise InvalidOptions("timezone", f"is said twice: {cron!r} has one")
        return cron
    zone = "UTC" if timezone is None else values.text(64)("timezone", timezone)
    return CronString(cron, timezone=zone)


def _cap(value: object, *, missed: Missed | None) -> int:
    if missed is not Missed.ALL:
        raise InvalidOptions("missed_cap", "is for missed='all'")
    if type(value) is not int or not 1 <= value <= MOST_MISSED:
        raise InvalidOptions(
            "missed_cap", f"must be a whole number from 1 to {MOST_MISSED:,}, not {value!r}"
        )
    return value
