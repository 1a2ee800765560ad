"""JOBQUEUE itself: what cannot be right, and what is named there and is not."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from django.db import connections

from django_jobqueue import conf
from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.cron import Every, zone_of
from django_jobqueue.core.errors import InvalidSettings, JobQueueError
from django_jobqueue.core.schedule_errors import UnknownTimeZone
from django_jobqueue.jobs.declarations import declarations
from django_jobqueue.jobs.registry import registry
from django_jobqueue.worker.services import find_maker

from .base import of_settings

SHORTEST_PRUDENT_LEASE = timedelta(seconds=10)


def check_settings(**_: Any) -> Sequence[CheckMessage]:
    """E002: JOBQUEUE cannot be right. W002: a lease that a pause of the worker outlasts."""
    try:
        settings = conf.current()
    except InvalidSettings as error:
        hint = "Correct JOBQUEUE in your settings."
        return [Error(str(error), hint=hint, id="jobqueue.E002")]
    return [*_unknown_alias(settings), *_short_lease(settings)]


def _unknown_alias(settings: JobQueueSettings) -> Iterator[CheckMessage]:
    if settings.database not in connections.settings:
        yield Error(
            f"JOBQUEUE['DATABASE'] is {settings.database!r}, which is not in DATABASES.",
            hint=f"The aliases are: {', '.join(connections.settings)}.",
            id="jobqueue.E002",
        )


def _short_lease(settings: JobQueueSettings) -> Iterator[CheckMessage]:
    if settings.lease <= SHORTEST_PRUDENT_LEASE:
        yield Warning(
            f"JOBQUEUE['LEASE'] is {settings.lease.total_seconds():g} s: a worker that pauses for "
            "that long, swapping or in a virtual machine, loses its jobs to another.",
            hint="Set it above 10 seconds; the default is 30.",
            id="jobqueue.W002",
        )


@of_settings
def check_services(settings: JobQueueSettings) -> Iterator[CheckMessage]:
    """E003: JOBQUEUE["SERVICES"] names what is no service task. Imports them, but makes none."""
    for path in settings.services:
        try:
            find_maker(path)
        except InvalidSettings as error:
            hint = "Name a ServiceTask class, or a function without parameters that returns one."
            yield Error(str(error), hint=hint, id="jobqueue.E003")


@of_settings
def check_schedules(settings: JobQueueSettings) -> Iterator[CheckMessage]:
    """E005: a declared schedule that cannot be. W004: its time zone is not known here."""
    for name, found in declarations(registry, settings):
        if isinstance(found, JobQueueError):
            hint = "Correct it; until then its row stays as it was."
            yield Error(str(found), hint=hint, id="jobqueue.E005")
        elif not isinstance(found.terms.rule, Every):
            try:
                zone_of(found.terms.rule.timezone)
            except UnknownTimeZone as error:
                yield Warning(
                    f"The schedule {name!r} is disabled on this machine: {error}",
                    hint="Correct the name, or install tzdata: with pip, or as a system package.",
                    id="jobqueue.W004",
                )
