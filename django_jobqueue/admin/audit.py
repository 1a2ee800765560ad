from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db import connections
from django.db.models import BooleanField, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_jobqueue.models import AuditRecord
from django_jobqueue.store.filters import LARGEST_ID

from .base import LookingAdmin
from .display import EMPTY, HIDDEN, pretty_json, visible
from .filters import RecentValuesFilter, TimeRangeFilter

#: `job_ids` is the column of the row that is looked at.
_NAMES_JOB = "EXISTS (SELECT 1 FROM json_each(job_ids) AS job WHERE job.value = %s)"
#: What may hold arguments of jobs.
_GUARDED = ("payload", "options")
_LIST_WHY = 80


class NamedJobFilter(admin.SimpleListFilter):
    """The actions whose record names a job; offered by the pages of jobs alone."""

    title = _("job")
    parameter_name = "job"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        asked = self.value()
        return [] if asked is None else [(asked, visible(asked))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value() or ""
        if not (asked.isascii() and asked.isdecimal() and int(asked[:20]) <= LARGEST_ID):
            return queryset.none()
        if connections[queryset.db].features.supports_json_field_contains:
            return queryset.filter(job_ids__contains=[int(asked)])
        # The id is a parameter; the text is ours.
        named = RawSQL(_NAMES_JOB, [int(asked)], output_field=BooleanField())  # noqa: S611
        return queryset.filter(named)


@admin.register(AuditRecord)
class AuditAdmin(LookingAdmin):
    """Who did what, when, and why. Arguments of jobs are hidden without `jobqueue.view_payload`."""

    list_display = ("at", "who", "action", "what", "in_queue", "count", "short_why")
    list_filter = (
        ("action", RecentValuesFilter),
        ("actor", RecentValuesFilter),
        ("queue", RecentValuesFilter),
        ("at", TimeRangeFilter),
        NamedJobFilter,
    )
    linked_lookups = ("subject",)
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("at", "who", "action", "what", "in_queue", "whole_why")}),
        (_("What was changed"), {"fields": ("held_before", "held_after")}),
        (_("Jobs"), {"fields": ("asked_for", "count", "jobs")}),
    )
    readonly_fields = (
        "who",
        "what",
        "in_queue",
        "whole_why",
        "held_before",
        "held_after",
        "asked_for",
        "jobs",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        allowed = Value(self.may(request, "view_payload"), output_field=BooleanField())
        rows: QuerySet[Any] = super().get_queryset(request).annotate(shows_payload=allowed)
        return rows

    def prepare_list(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.defer("asked", "before", "after", "job_ids")

    @admin.display(description=_("who"))
    def who(self, record: AuditRecord) -> str:
        return visible(record.actor)

    @admin.display(description=_("to what"))
    def what(self, record: AuditRecord) -> str:
        return visible(record.subject) or EMPTY

    @admin.display(description=_("queue"))
    def in_queue(self, record: AuditRecord) -> str:
        return EMPTY if record.queue is None else visible(record.queue)

    @admin.display(description=_("why"))
    def short_why(self, record: AuditRecord) -> str:
        line = " ".join(visible(record.why).split())
        return line if len(line) <= _LIST_WHY else f"{line[: _LIST_WHY - 1]}…"

    @admin.display(description=_("why"))
    def whole_why(self, record: AuditRecord) -> str:
        return visible(record.why) or EMPTY

    @admin.display(description=_("before"))
    def held_before(self, record: AuditRecord) -> object:
        return _facts(record, record.before)

    @admin.display(description=_("after"))
    def held_after(self, record: AuditRecord) -> object:
        return _facts(record, record.after)

    @admin.display(description=_("asked for"))
    def asked_for(self, record: AuditRecord) -> object:
        return pretty_json(record.asked or None)

    @admin.display(description=_("ids"))
    def jobs(self, record: AuditRecord) -> str:
        named = ", ".join(visible(job_id) for job_id in record.job_ids)
        others = record.count - len(record.job_ids)
        if record.job_ids and others > 0:
            return gettext("%(ids)s and %(count)d more") % {"ids": named, "count": others}
        return named or EMPTY


def _facts(record: Any, facts: Any) -> object:
    """Hidden unless the query that fetched the row said otherwise."""
    if isinstance(facts, Mapping) and not getattr(record, "shows_payload", False):
        facts = {name: str(HIDDEN) if name in _GUARDED else held for name, held in facts.items()}
    return pretty_json(facts)
