"""The list page of a table that may be large."""

from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest


class LargeTableChangeList(ChangeList):
    """Ordered by the admin's own order only, whatever the query string asks: any other would sort
    the table.
    """

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Model]) -> list[Any]:
        return list(self.model_admin.get_ordering(request))

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Model]:
        found = super().get_queryset(request, *args, **kwargs)
        prepared: QuerySet[Model] = self.model_admin.prepare_list(request, found)
        return prepared
