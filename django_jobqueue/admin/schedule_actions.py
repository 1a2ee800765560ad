"""What a person may have a schedule do, each under a permission of its own."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from django_jobqueue.jobs.schedules import Schedule

from .actions import confirmation, each, finish, is_confirmed, selected_rows
from .schedule_forms import ReasonForm

if TYPE_CHECKING:
    from .base import LookingAdmin

    Base = LookingAdmin
else:
    Base = object


class ScheduleActions(Base):
    """The actions of the page of schedules."""

    actions = ("enqueue", "pause", "resume", "remove")

    def has_enqueue_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "enqueue_schedule")

    def has_pause_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "pause_schedule")

    def has_remove_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "delete_schedule")

    @admin.action(permissions=["enqueue"], description=_("Enqueue now"))
    def enqueue(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def told(count: int) -> str:
            return ngettext("%d job enqueued", "%d jobs enqueued", count) % count

        self._steer(request, lambda one: one.enqueue().created, told, what="Enqueued at once.")

    @admin.action(permissions=["pause"], description=_("Pause"))
    def pause(self, request: HttpRequest, queryset: QuerySet[Any]) -> TemplateResponse | None:
        form = ReasonForm(request.POST if is_confirmed(request) else None)
        rows, _ticked = selected_rows(self, request)
        if rows and not form.is_valid():
            return confirmation(
                self,
                request,
                action="pause",
                title=gettext("Pause schedules"),
                question=gettext("Slots will pass without a job. What is enqueued already runs."),
                rows=rows,
                form=form,
            )
        reason = form.cleaned_data["reason"] if rows else ""

        def told(count: int) -> str:
            return ngettext("%d schedule paused", "%d schedules paused", count) % count

        self._steer(request, lambda one: one.pause(reason), told, what="Paused.")
        return None

    @admin.action(permissions=["pause"], description=_("Resume, or enable"))
    def resume(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def told(count: int) -> str:
            return ngettext("%d schedule resumed", "%d schedules resumed", count) % count

        self._steer(request, Schedule.resume, told, what="Resumed.")

    @admin.action(permissions=["remove"], description=_("Delete"))
    def remove(self, request: HttpRequest, queryset: QuerySet[Any]) -> TemplateResponse | None:
        rows, _ticked = selected_rows(self, request)
        if rows and not is_confirmed(request):
            return confirmation(
                self,
                request,
                action="remove",
                title=gettext("Delete schedules"),
                question=gettext("The record of their slots is deleted with them; jobs stay."),
                rows=rows,
            )

        def told(count: int) -> str:
            return ngettext("%d schedule deleted", "%d schedules deleted", count) % count

        self._steer(request, Schedule.delete, told, what="Deleted.")
        return None

    def _steer(
        self,
        request: HttpRequest,
        steer: Callable[[Schedule], object],
        told: Callable[[int], str],
        *,
        what: str,
    ) -> None:
        rows, ticked = selected_rows(self, request)
        done, refused = each(rows, lambda row: steer(Schedule(row.name)))
        facts = [told(len(done)), *refused]
        if left := len(rows) - len(done) - len(refused):
            facts.append(ngettext("%d was left as it is", "%d were left as they are", left) % left)
        finish(self, request, done=done, facts=facts, missing=ticked - len(rows), what=what)
