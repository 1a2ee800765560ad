"""Schedules that are declared: by @job, and in JOBQUEUE["SCHEDULES"]."""

from collections.abc import Iterator, Mapping
from typing import Any

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.errors import JobQueueError
from django_jobqueue.core.schedule_errors import InvalidSchedule
from django_jobqueue.core.schedules import NewSchedule, Source
from django_jobqueue.events import EventBus
from django_jobqueue.store import JobStore

from .options import JobOptions, refuse_unknown
from .registry import Registry
from .schedule_options import ScheduleOptions, schedule_name, terms_of
from .schedules import job_to_repeat

_OF_THE_CALL = ("handler", "args", "kwargs", "using")
_KNOWN = (*_OF_THE_CALL, *ScheduleOptions.__annotations__)

#: What is declared under a name, or why it cannot be.
Declaration = tuple[str, NewSchedule | JobQueueError]


def declarations(registry: Registry, settings: JobQueueSettings) -> Iterator[Declaration]:
    """Yield every declaration, those in the settings last; none opens a connection."""
    names = set()
    for handler in registry:
        if handler.schedule is not None:
            names.add(handler.name)
            job = job_to_repeat(handler, JobOptions())
            yield (
                handler.name,
                NewSchedule(name=handler.name, source=Source.CODE, terms=handler.schedule, job=job),
            )
    for name, entry in settings.schedules.items():
        try:
            if name in names:
                raise InvalidSchedule(f"a schedule {name!r} is declared with @job already")
            yield name, _of_settings(name, entry, registry)
        except (JobQueueError, TypeError) as error:
            yield name, InvalidSchedule(f"JOBQUEUE['SCHEDULES'][{name!r}]: {error}")


def _of_settings(name: str, entry: Mapping[str, Any], registry: Registry) -> NewSchedule:
    refuse_unknown(entry, known=_KNOWN)
    terms = terms_of({option: entry[option] for option in entry if option not in _OF_THE_CALL})
    if terms is None or "handler" not in entry:
        raise InvalidSchedule("'handler' must be given, and 'cron' or 'every'")
    said = JobOptions.of_call(entry.get("using", {}))
    handler = registry.get(entry["handler"])
    job = job_to_repeat(handler, said, entry.get("args", ()), entry.get("kwargs", {}))
    checked = schedule_name("schedule", name)
    return NewSchedule(name=checked, source=Source.SETTINGS, terms=terms, job=job)


def declare_schedules(
    registry: Registry, settings: JobQueueSettings, *, store: JobStore, events: EventBus
) -> None:
    """Bring the rows in step with the declarations; what is wrong with one is told, and hinders no
    other. The row of one that is wrong now stays as it is.
    """
    found: list[NewSchedule] = []
    wrong: list[str] = []
    for name, declared in declarations(registry, settings):
        if isinstance(declared, NewSchedule):
            found.append(declared)
        else:
            wrong.append(name)
            events.emit("schedule.refused", schedule=name, reason=str(declared))
    done = store.declare_schedules(found, besides=wrong)
    for name in (*done.added, *done.changed):
        events.emit("schedule.declared", schedule=name)
    for name, reason in done.disabled:
        events.emit("schedule.disabled", schedule=name, reason=reason)
