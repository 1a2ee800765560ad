"""What the pages of schedules and of templates share: rows by name, some of them to be edited."""

from typing import Any

from django.db.models import BooleanField, QuerySet, Value
from django.http import HttpRequest

from .base import LookingAdmin


class KeptByNameAdmin(LookingAdmin):
    """Rows that `edited` fields may change, for those whom `has_change_permission` lets."""

    edited: Any = ()
    ordering = ("name",)
    search_fields = ("name",)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        is_edited = obj is None or self.has_change_permission(request, obj)
        return self.edited if is_edited else self.fieldsets

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        allowed = Value(self.may(request, "view_payload"), output_field=BooleanField())
        rows: QuerySet[Any] = super().get_queryset(request).annotate(shows_payload=allowed)
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset.filter(name__startswith=search_term.strip()), False
