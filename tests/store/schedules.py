"""A schedule of every five minutes, around a noon of long ago, and the few calls that most tests of
schedules begin with.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django_jobqueue.core.cron import CronString
from django_jobqueue.core.schedules import Fired, NewSchedule, ScheduleTerms, Source
from django_jobqueue.core.specs import NewJob
from django_jobqueue.core.states import JobState
from django_jobqueue.models import Job
from django_jobqueue.store.base import JobStore

from .helpers import claim, finish, register_worker

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FIVE_MINUTES = CronString("*/5 * * * *")


def a_schedule(name: str = "nightly", **more: Any) -> NewSchedule:
    """Every five minutes, unless `rule` says otherwise."""
    source = more.pop("source", Source.CALL)
    job = more.pop("job", NewJob(handler="shop.clean", queue="cleaning"))
    terms = ScheduleTerms(**{"rule": FIVE_MINUTES, **more})
    return NewSchedule(name=name, source=source, terms=terms, job=job)


def save(store: JobStore, name: str = "nightly", **more: Any) -> None:
    """Save it just before noon."""
    store.save_schedule(a_schedule(name, **more), now=NOON - MINUTE)


def fire(store: JobStore, *, minutes: float, **more: Any) -> Fired:
    """Fire what is due so many minutes after noon."""
    return store.fire_schedules(missed_after=MINUTE, now=NOON + minutes * MINUTE, **more)


def minutes_of(slots: Any) -> list[float]:
    return [(slot - NOON) / MINUTE for slot in slots]


def slots_of_jobs() -> list[float]:
    return minutes_of(Job.objects.order_by("slot").values_list("slot", flat=True))


def told(store: JobStore, name: str = "nightly") -> list[tuple[float, str]]:
    """(minute, reason) of the kept slots, the earliest first."""
    kept = reversed(store.slots_of(name))
    return [((one.slot - NOON) / MINUTE, one.reason) for one in kept]


def end(store: JobStore, state: JobState, **facts: Any) -> None:
    """Claim the only job, and end it."""
    [job] = claim(store, register_worker(), "cleaning")
    assert finish(store, job, state, **facts)
