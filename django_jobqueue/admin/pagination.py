"""Paging by looking one row ahead: a table of history is never counted."""

from typing import TYPE_CHECKING, Any, cast

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

if TYPE_CHECKING:
    AnyPaginator = Paginator[Any]
else:
    AnyPaginator = Paginator

#: OFFSET reads what it skips, so pages end here; filters and searches lead further.
MAX_PAGES = 200


class ProbingPaginator(AnyPaginator):
    """Knows of one page more than the one it was made for; `count` is then a lower bound, and
    `goes_on` is true.
    """

    def __init__(self, object_list: QuerySet[Any], per_page: int, *, page_number: int) -> None:
        super().__init__(object_list, per_page)
        self.page_number = page_number

    @cached_property
    def count(self) -> int:
        return self._start + min(self._seen, self.per_page + (not self.is_last_offered))

    @property
    def goes_on(self) -> bool:
        """Whether there are rows behind the page."""
        return self._seen > self.per_page

    @property
    def shown_up_to(self) -> int:
        return self._start + min(self._seen, self.per_page)

    @property
    def is_last_offered(self) -> bool:
        return self.page_number >= MAX_PAGES

    @property
    def _start(self) -> int:
        """The page may come from a query string: no number in it makes this look deeper than
        MAX_PAGES.
        """
        return (min(max(self.page_number, 1), MAX_PAGES) - 1) * self.per_page

    @cached_property
    def _seen(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list).values_list("pk", flat=True)
        return len(rows[self._start : self._start + self.per_page + 1])
