"""Schedules as a person reads them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_jobqueue.core.errors import JobQueueError
from django_jobqueue.core.schedules import SlotOutcome
from django_jobqueue.jobs.schedules import upcoming
from django_jobqueue.jobs.site import site_store
from django_jobqueue.models import ArchivedJob, DeadJob, Job, Schedule

from .display import span, visible

if TYPE_CHECKING:
    from .base import LookingAdmin


class PastSlot(NamedTuple):
    at: datetime
    job: object  #: a link to its page; empty where there is no job
    reason: str


def rule_text(schedule: Schedule) -> str:
    if schedule.every_seconds is not None:
        try:
            told = _("every %s") % span(timedelta(seconds=schedule.every_seconds))
        except (OverflowError, ValueError):
            told = str(schedule.every_seconds)
        return gettext("%s after the finish") % told if schedule.after == "finish" else str(told)
    return visible(f"{schedule.cron} {schedule.timezone}")


def state_text(schedule: Schedule) -> str:
    if schedule.disabled_at is not None:
        return gettext("disabled: %s") % visible(schedule.disabled_reason)
    if schedule.paused_at is None:
        return gettext("active")
    reason = visible(schedule.pause_reason)
    return gettext("paused: %s") % reason if reason else gettext("paused")


def next_slots(name: str) -> Sequence[datetime]:
    """The next ten; none where they cannot be told."""
    try:
        return upcoming(site_store().find_schedule(name))
    except JobQueueError:
        return []


def past_slots(page: "LookingAdmin", name: str) -> list[PastSlot]:
    """The last ten, the latest first."""
    slots = site_store().slots_of(name)
    ids = [one.job_id for one in slots if one.job_id is not None]
    homes: dict[int, str] = {}
    for model in (Job, ArchivedJob, DeadJob):
        found = model._default_manager.using(page.using).filter(pk__in=ids)
        homes |= dict.fromkeys(
            found.values_list("pk", flat=True), f"{model._meta.model_name}_change"
        )
    return [PastSlot(one.slot, _job_of(page, one, homes), visible(one.reason)) for one in slots]


def _job_of(page: "LookingAdmin", slot: SlotOutcome, homes: Mapping[int, str]) -> object:
    if slot.job_id is None:
        return ""
    home = homes.get(slot.job_id)  # none once its record is past retention
    return slot.job_id if home is None else page.link(home, slot.job_id, text=slot.job_id)
