"""The list page of a table that may be large."""

from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest

if TYPE_CHECKING:
    from .base import LookingAdmin


class LargeTableChangeList(ChangeList):
    """Ordered by the admin's own order only, whatever the query string asks: any other would sort
    the table.
    """

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Model]) -> list[Any]:
        return list(self.model_admin.get_ordering(request))

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Model]:
        found = super().get_queryset(request, *args, **kwargs)
        page = cast("LookingAdmin", self.model_admin)
        return page.prepare_list(request, found)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        # Now, not when the template asks: reads have a limit that ends with the view.
        cast("LookingAdmin", self.model_admin).complete_page(
            cast("QuerySet[Model]", self.result_list)
        )
