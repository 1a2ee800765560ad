from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from django_jobqueue.core.states import JobState
from django_jobqueue.jobs import control
from django_jobqueue.models import DeadJob

from .actions import confirmation, is_confirmed, selected_rows, tell, write_down
from .editing import EditedRequeueing
from .filters import RecentValuesFilter, TimeRangeFilter
from .records import JobRecordAdmin, record_fieldsets
from .requeueing import requeue_selected


@admin.register(DeadJob)
class DeadJobAdmin(EditedRequeueing, JobRecordAdmin):
    """Dead letters: jobs that wait for a person to requeue or discard them."""

    list_display = (
        "id",
        "handler_name",
        "queue_name",
        "reason",
        "attempts",
        "finished_at",
        "last_error",
    )
    list_filter = (
        "reason",
        ("queue", RecentValuesFilter),
        ("handler", RecentValuesFilter),
        ("finished_at", TimeRangeFilter),
    )
    ordering = ("-finished_at", "-id")
    fieldsets = record_fieldsets("state", "reason")
    actions = ("requeue", "requeue_edited", "discard")

    def has_requeue_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "requeue_deadjob")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "discard_deadjob")

    @admin.action(permissions=["requeue"], description=_("Requeue"))
    def requeue(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        requeue_selected(self, request, state=JobState.DEAD)

    @admin.action(permissions=["discard"], description=_("Discard for good"))
    def discard(self, request: HttpRequest, queryset: QuerySet[Any]) -> TemplateResponse | None:
        letters, ticked = selected_rows(self, request)
        if letters and not is_confirmed(request):
            question = ngettext(
                "%d dead letter and its attempts will be deleted for good.",
                "%d dead letters and their attempts will be deleted for good.",
                len(letters),
            )
            return confirmation(
                self,
                request,
                action="discard",
                title=gettext("Discard dead letters"),
                question=question % len(letters),
                rows=letters,
            )
        count = control.discard(*(letter.pk for letter in letters)) if letters else 0
        facts = [ngettext("%d discarded", "%d discarded", count) % count]
        if left := ticked - count:
            facts.append(ngettext("%d was no longer here", "%d were no longer here", left) % left)
        write_down(request, letters, "Asked to discard.")
        tell(self, request, done=bool(count), facts=facts)
        return None
