from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_jobqueue.models import LineRecord

from .base import LookingAdmin
from .display import visible
from .leases import lease_left, told_lease


@admin.register(LineRecord)
class LineAdmin(LookingAdmin):
    """Cluster-wide lines that somebody holds, and whether that lease still holds by the database's
    clock. A lapsed line is free.
    """

    list_display = ("line", "held_by", "acquired_at", "lease")
    ordering = ("name",)
    fieldsets = (
        (None, {"fields": ("line", "held_by", "acquired_at", "lease_expires_at", "lease")}),
    )
    readonly_fields = ("line", "held_by", "lease")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).annotate(lease_left=lease_left())
        return rows

    @admin.display(description=_("line"))
    def line(self, line: LineRecord) -> str:
        return visible(line.name)

    @admin.display(description=_("holder"))
    def held_by(self, line: LineRecord) -> str:
        return visible(line.holder)

    @admin.display(description=_("lease"))
    def lease(self, line: Any) -> str:
        return told_lease(line.lease_left)
