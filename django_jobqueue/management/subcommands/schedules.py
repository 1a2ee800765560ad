from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from django_jobqueue.core.clock import moment_text
from django_jobqueue.core.cron import PREVIEW, Every, Rule
from django_jobqueue.core.schedules import ScheduleSnapshot
from django_jobqueue.jobs.listing import schedules
from django_jobqueue.jobs.schedules import Schedule

from .base import NOT_DONE, Answer, Subcommand, SubcommandGroup
from .options import some
from .printing import cell, table

_HEADERS = ("schedule", "rule", "said in", "state", "next slot", "last slot")


class ListSchedules(Subcommand):
    name = "list"
    about = "tell which schedules there are"

    def run(self, options: Mapping[str, Any]) -> Answer:
        found = schedules()
        return Answer(facts=[_facts(one) for one in found], text=table(_HEADERS, map(_row, found)))


class PreviewSchedule(Subcommand):
    name = "preview"
    about = "tell the next slots of a schedule; exit status 1 if there are none"

    def add_arguments(self, parser: CommandParser) -> None:
        add_schedule_name(parser)
        parser.add_argument(
            "--count", type=some, default=PREVIEW, metavar="N", help=f"so many (default: {PREVIEW})"
        )

    def run(self, options: Mapping[str, Any]) -> Answer:
        slots = Schedule(options["name"]).preview(count=min(options["count"], _MOST))
        return Answer(
            facts=slots,
            text="\n".join(moment_text(slot) for slot in slots) or "no slot is known",
            status=0 if slots else NOT_DONE,
        )


class PauseSchedule(Subcommand):
    name = "pause"
    about = "let slots pass without a job"
    is_recorded = True

    def add_arguments(self, parser: CommandParser) -> None:
        add_schedule_name(parser)

    def run(self, options: Mapping[str, Any]) -> Answer:
        schedule = Schedule(options["name"])
        schedule.pause(options["why"])
        return Answer(
            facts={"schedule": schedule.name, "paused": True},
            text=f"schedule {schedule.name!r} is paused",
        )


class ResumeSchedule(Subcommand):
    name = "resume"
    about = "go on with the next slot; exit status 1 if it was neither paused nor disabled"
    is_recorded = True

    def add_arguments(self, parser: CommandParser) -> None:
        add_schedule_name(parser)

    def run(self, options: Mapping[str, Any]) -> Answer:
        schedule = Schedule(options["name"])
        resumed = schedule.resume()
        return Answer(
            facts={"schedule": schedule.name, "resumed": resumed},
            text=f"schedule {schedule.name!r} {'goes on' if resumed else 'was not paused'}",
            status=0 if resumed else NOT_DONE,
        )


class SchedulesSubcommand(SubcommandGroup):
    name = "schedules"
    about = "list, preview, pause and resume schedules"
    parts = (ListSchedules(), PreviewSchedule(), PauseSchedule(), ResumeSchedule())


#: More slots than anybody reads, and few enough to be found at once.
_MOST = 1_000


def add_schedule_name(parser: CommandParser) -> None:
    """Add what names a schedule."""
    parser.add_argument("name", metavar="NAME", help="the name of the schedule")


def _facts(schedule: ScheduleSnapshot) -> dict[str, object]:
    """Without its arguments: those are for people who may see them."""
    names = ("name", "source", "handler", "template", "paused_at", "pause_reason", "disabled_at")
    times = ("disabled_reason", "next_slot", "last_slot")
    facts: dict[str, object] = {name: getattr(schedule, name) for name in (*names, *times)}
    return {**facts, "rule": _rule(schedule)}


def _row(schedule: ScheduleSnapshot) -> tuple[object, ...]:
    slots = (schedule.next_slot, schedule.last_slot)
    return (schedule.name, _rule(schedule), schedule.source, _state(schedule), *slots)


def _rule(schedule: ScheduleSnapshot) -> str:
    return "cannot be read" if schedule.terms is None else rule_text(schedule.terms.rule)


def rule_text(rule: Rule) -> str:
    """Return a rule as a person reads it."""
    if isinstance(rule, Every):
        finish = " after the finish" if rule.after == "finish" else ""
        return f"every {rule.span}{finish}"
    return f"{rule.text} {rule.timezone}"


def _state(schedule: ScheduleSnapshot) -> str:
    if schedule.disabled_at is not None:
        return f"disabled: {cell(schedule.disabled_reason)}"
    if schedule.paused_at is None:
        return "active"
    return f"paused: {schedule.pause_reason}" if schedule.pause_reason else "paused"
