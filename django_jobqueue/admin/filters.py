"""List filters that never read the whole table, and work without scripts."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.db.models import Field, Model, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rangefilter.filters import DateTimeRangeFilter

from .display import visible

#: Distinct values of a whole table cost a walk over it; those of its newest rows cost the same
#: whatever it holds.
NEWEST_ROWS = 500
VALUES_OFFERED = 12


def other_parameters(request: HttpRequest, own: list[str | None]) -> list[tuple[str, str]]:
    """Return what else the query string says, for a filter's form to carry along."""
    return [
        (name, value)
        for name, values in request.GET.lists()
        if name not in own and name != PAGE_VAR
        for value in values
    ]


class RecentValuesFilter(admin.FieldListFilter):
    """Offers the values that the newest rows have, and a field for any other; matches exactly."""

    template = "admin/jobqueue/recent_values_filter.html"

    def __init__(
        self,
        field: "Field[Any, Any]",
        request: HttpRequest,
        params: dict[str, list[str]],
        model: type[Model],
        model_admin: "ModelAdmin[Any]",
        field_path: str,
    ) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        chosen: Any = self.used_parameters.get(field_path) or [""]
        self.chosen = str(chosen[-1])
        self.other_parameters = other_parameters(request, self.expected_parameters())
        newest = model_admin.get_queryset(request).order_by("-pk")
        seen = Counter(newest.values_list(field_path, flat=True)[:NEWEST_ROWS])
        self.values = sorted(value for value, _ in seen.most_common(VALUES_OFFERED) if value)

    def expected_parameters(self) -> list[str | None]:
        return [self.field_path]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        if not self.chosen:
            return queryset
        if "\x00" in self.chosen:
            return queryset.none()  # PostgreSQL refuses to be asked
        return queryset.filter(**{self.field_path: self.chosen})

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        without = changelist.get_query_string(remove=[self.field_path])
        yield {"selected": not self.chosen, "query_string": without, "display": _("All")}
        for value in self.values:
            yield {
                "selected": value == self.chosen,
                "query_string": changelist.get_query_string({self.field_path: value}),
                "display": visible(value),
            }


class LiteralFilter(admin.ChoicesFieldListFilter):
    """Filters by one of the field's choices, written into the query: with a parameter SQLite does
    not see that a partial index fits.
    """

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model] | None:
        chosen: Any = self.used_parameters.get(self.lookup_kwarg, [])
        if len(chosen) != 1 or chosen[0] not in dict(self.field.flatchoices):
            return super().queryset(request, queryset)
        literal = RawSQL(f"'{chosen[0]}'", [])  # noqa: S611 - a word of ours
        return queryset.filter(**{self.field_path: literal})


class TimeRangeFilter(DateTimeRangeFilter):  # type: ignore[misc]
    """The range filter with the browser's own inputs, no inline script or style; a day without a
    time is meant whole.
    """

    template = "admin/jobqueue/time_range_filter.html"

    def get_form(  # pyright: ignore[reportIncompatibleMethodOverride] - the base is untyped
        self, request: HttpRequest
    ) -> forms.BaseForm:
        used: dict[str, Any] = self.used_parameters
        bounds = ((self.lookup_kwarg_gte, "00:00"), (self.lookup_kwarg_lte, "23:59:59.999"))
        for name, whole_day in bounds:
            day, time = (used.get(f"{name}_{part}") or () for part in (0, 1))
            if any(day) and not any(time):
                used[f"{name}_1"] = whole_day
        form: forms.BaseForm = super().get_form(request)
        labels = (gettext("From"), gettext("To"))
        for (name, _whole_day), label in zip(bounds, labels, strict=True):
            form.fields[name].label = label
            form.fields[name].widget = forms.SplitDateTimeWidget(
                date_attrs={"type": "date", "aria-label": label},
                time_attrs={"type": "time", "step": "any", "aria-label": label},
            )
        return form

    @property
    def other_parameters(self) -> list[tuple[str, str]]:
        return other_parameters(self.request, self.expected_parameters())
