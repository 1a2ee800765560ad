from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_jobqueue.models import ArchivedJob

from .editing import EditedRequeueing
from .filters import LiteralFilter, RecentValuesFilter, TimeRangeFilter
from .records import JobRecordAdmin, record_fieldsets
from .requeueing import requeue_selected


@admin.register(ArchivedJob)
class ArchivedJobAdmin(EditedRequeueing, JobRecordAdmin):
    """Jobs that succeeded or were cancelled, until retention removes them."""

    list_display = (
        "id",
        "handler_name",
        "queue_name",
        "state",
        "attempts",
        "finished_at",
        "ran_for",
    )
    list_filter = (
        ("state", LiteralFilter),
        ("queue", RecentValuesFilter),
        ("handler", RecentValuesFilter),
        ("finished_at", TimeRangeFilter),
    )
    ordering = ("-finished_at", "-id")
    fieldsets = record_fieldsets("state")
    actions = ("requeue", "requeue_edited")

    def has_requeue_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "requeue_archivedjob")

    @admin.action(permissions=["requeue"], description=_("Requeue as a copy"))
    def requeue(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        requeue_selected(self, request, state=None)
