"""Between the rows of schedules and the values that cross layers."""

import random
from datetime import datetime, timedelta
from typing import Any

import msgspec

from django_jobqueue.core.cron import Cron, CronString, Every, Rule
from django_jobqueue.core.schedule_errors import InvalidSchedule
from django_jobqueue.core.schedules import Missed, Overlap, ScheduleTerms
from django_jobqueue.core.specs import NewJob
from django_jobqueue.models import Schedule

#: What each job of a schedule has of its own.
_OF_ONE_JOB = ("handler", "payload", "run_at", "expires_at", "template", "schedule", "slot")
_RULE = ("cron", "all_must_match", "timezone", "every_seconds", "after")
#: What is wrong with a row, and not with the database.
UNREADABLE = (InvalidSchedule, ValueError, TypeError, OverflowError, msgspec.MsgspecError)


def rule_columns(rule: Rule) -> dict[str, Any]:
    if isinstance(rule, Every):
        values: tuple[Any, ...] = ("", False, "UTC", rule.span.total_seconds(), rule.after)
    else:
        values = (rule.text, rule.all_must_match, rule.timezone, None, "start")
    return dict(zip(_RULE, values, strict=True))


def columns_of(terms: ScheduleTerms) -> dict[str, Any]:
    return {
        **rule_columns(terms.rule),
        "missed": terms.missed.value,
        "missed_cap": terms.missed_cap,
        "overlap": terms.overlap.value,
        "jitter_seconds": terms.jitter.total_seconds(),
    }


def has_rule(row: Schedule, rule: Rule) -> bool:
    return all(getattr(row, name) == value for name, value in rule_columns(rule).items())


def rule_of(row: Schedule) -> Rule:
    """Return the rule of a row; one of UNREADABLE where it has none that can be."""
    if row.every_seconds is not None:
        return Every(timedelta(seconds=row.every_seconds), after=row.after)  # type: ignore[arg-type]
    if row.all_must_match:
        return Cron.of_text(row.cron, timezone=row.timezone)
    return CronString(row.cron, timezone=row.timezone)


def terms_of(row: Schedule) -> ScheduleTerms:
    """Return the terms of a row; one of UNREADABLE where they cannot be."""
    return ScheduleTerms(
        rule=rule_of(row),
        missed=Missed(row.missed),
        missed_cap=row.missed_cap,
        overlap=Overlap(row.overlap),
        jitter=timedelta(seconds=row.jitter_seconds),
    )


def stored_options(job: NewJob) -> dict[str, Any]:
    """Return what is kept of the job that a schedule enqueues, besides handler and payload."""
    facts: dict[str, Any] = msgspec.to_builtins(job)
    blank: dict[str, Any] = msgspec.to_builtins(NewJob(handler=""))
    return {
        name: fact
        for name, fact in facts.items()
        if name not in _OF_ONE_JOB and fact != blank[name]
    }


def job_of(row: Any, *, slot: datetime | None) -> NewJob:
    """Return the job for one slot, or for none; `row.payload_text` is the payload as JSON text.

    What delays it counts from the slot, as the jitter does.
    """
    facts: dict[str, Any] = {
        **row.options,
        "handler": row.handler,
        "payload": row.payload_text,
        "template": row.template,
        "schedule": row.name,
    }
    job = msgspec.convert(facts, NewJob)
    if slot is None:
        return job
    wait = job.delay + random.uniform(0, row.jitter_seconds)  # noqa: S311 - it spreads load
    run_at = slot + timedelta(seconds=wait)
    return msgspec.structs.replace(job, slot=slot, run_at=run_at, delay=0.0)
