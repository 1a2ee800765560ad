from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_jobqueue.core.specs import Cancelled
from django_jobqueue.core.states import JobState
from django_jobqueue.jobs import control
from django_jobqueue.models import Job

from .actions import selected_rows, tell, write_down
from .filters import RecentValuesFilter, TimeRangeFilter
from .records import JobRecordAdmin, record_fieldsets


@admin.register(Job)
class JobAdmin(JobRecordAdmin):
    """Live jobs: what waits and what runs."""

    list_display = (
        "id",
        "handler_name",
        "queue_name",
        "state",
        "priority",
        "attempts",
        "state_since",
        "last_error",
    )
    list_filter = (
        "state",
        ("queue", RecentValuesFilter),
        ("handler", RecentValuesFilter),
        ("created_at", TimeRangeFilter),
    )
    linked_lookups = (*JobRecordAdmin.linked_lookups, "worker_id", "schedule")
    fieldsets = record_fieldsets("state")
    actions = ("cancel", "run_now")

    @admin.display(description=_("due, or since"))
    def state_since(self, job: Job) -> datetime | None:
        """When a scheduled job is due, else since when it has been in its state."""
        if job.state == JobState.SCHEDULED:
            return job.run_at
        if job.state == JobState.RUNNING:
            return job.claimed_at
        return job.ready_at

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "cancel_job")

    def has_run_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "run_job")

    @admin.action(permissions=["cancel"], description=_("Cancel, or ask to stop"))
    def cancel(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        jobs, ticked = selected_rows(self, request)
        reason = f"cancelled in the admin by {request.user.get_username()}"
        done = control.cancel(*_ids(jobs), reason=reason) if jobs else Cancelled()
        facts = [ngettext("%d cancelled", "%d cancelled", done.cancelled) % done.cancelled]
        if done.asked:
            asked = ngettext(
                "%d running job asked to stop", "%d running jobs asked to stop", done.asked
            )
            facts.append(asked % done.asked)
        if left := ticked - done.cancelled - done.asked:
            facts.append(
                ngettext("%d had already finished", "%d had already finished", left) % left
            )
        write_down(request, jobs, "Asked to cancel.")
        tell(self, request, done=bool(done.cancelled or done.asked), facts=facts)

    @admin.action(permissions=["run"], description=_("Run now"))
    def run_now(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        jobs, ticked = selected_rows(self, request)
        count = control.run_now(*_ids(jobs)) if jobs else 0
        facts = [ngettext("%d made ready", "%d made ready", count) % count]
        if left := ticked - count:
            facts.append(ngettext("%d was not scheduled", "%d were not scheduled", left) % left)
        write_down(request, jobs, "Asked to run now.")
        tell(self, request, done=bool(count), facts=facts)


def _ids(jobs: list[Job]) -> list[int]:
    return [job.pk for job in jobs]
