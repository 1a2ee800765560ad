from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from django_jobqueue.core.errors import JobNotFound, ReadTooSlow
from django_jobqueue.core.specs import Cancelled
from django_jobqueue.core.states import JobState
from django_jobqueue.jobs import control
from django_jobqueue.jobs.why import why
from django_jobqueue.models import Job

from .actions import selected_rows, tell, write_down
from .display import visible
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
    change_form_template = "admin/jobqueue/live_job.html"
    linked_lookups = (*JobRecordAdmin.linked_lookups, "worker_id", "schedule")
    fieldsets = record_fieldsets("state")
    actions = ("cancel", "run_now")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.why_view)
        return [path("<int:job_id>/why/", view, name="jobqueue_job_why"), *super().get_urls()]

    def why_view(self, request: HttpRequest, job_id: int) -> HttpResponse:
        """Tell everything that keeps one job from running; what its last failure said, only to
        those who may see it.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            found = why(job_id)
        except JobNotFound as error:
            raise Http404(str(error)) from error
        except ReadTooSlow:
            return self.too_slow(request)
        reads_errors = self.may(request, "view_payload")
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Why is it not running?"),
            "opts": self.opts,
            "media": self.media,
            "found": found,
            "named": f"{visible(found.handler)} #{found.job_id}",
            "queue_name": visible(found.queue),
            "blockers": [
                (visible(one.told), visible(one.error) if reads_errors else "", one.until)
                for one in found.blockers
            ],
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/jobqueue/why.html", context)

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
