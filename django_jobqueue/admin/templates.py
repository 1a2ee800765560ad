from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_jobqueue.jobs.enqueueing import Enqueuer
from django_jobqueue.jobs.templates import Template
from django_jobqueue.models import JobTemplate

from .actions import each, finish, selected_rows
from .display import HIDDEN, pretty_json, visible
from .kept import KeptByNameAdmin
from .schedule_forms import TemplateForm, schedulable_handlers


@admin.register(JobTemplate)
class TemplateAdmin(KeptByNameAdmin):
    """Stored jobs to copy from; those of handlers with `schedulable=True` can be changed here."""

    form = TemplateForm
    list_display = ("template_name", "handler_name", "created_at")
    search_help_text = _("The first letters of a template's name.")
    fieldsets = (
        (None, {"fields": ("template_name", "handler_name", "created_at", "audit")}),
        (_("What it is given"), {"fields": ("arguments_shown", "options_shown")}),
    )
    edited = ((None, {"fields": ("name", "handler", "arguments", "options")}),)
    readonly_fields = ("template_name", "handler_name", "arguments_shown", "options_shown", "audit")
    actions = ("enqueue",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add_jobtemplate")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (
            obj is not None
            and obj.handler in schedulable_handlers()
            and not obj.payload.get("args")  # the form knows arguments by name
            and self.may(request, "change_jobtemplate")
            and self.may(request, "view_payload")
        )

    def has_enqueue_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "enqueue_jobtemplate")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        enqueuer: Enqueuer[...] = Enqueuer(form.found, said=form.said)
        Template(obj.name).save(enqueuer, **form.typed)
        obj.pk = JobTemplate.objects.using(self.using).get(name=obj.name).pk
        obj.refresh_from_db(using=self.using)

    @admin.display(description=_("template"))
    def template_name(self, row: JobTemplate) -> str:
        return visible(row.name)

    @admin.display(description=_("handler"))
    def handler_name(self, row: JobTemplate) -> str:
        return visible(row.handler)

    @admin.display(description=_("arguments"))
    def arguments_shown(self, row: Any) -> object:
        return pretty_json(row.payload) if row.shows_payload else HIDDEN

    @admin.display(description=_("options"))
    def options_shown(self, row: Any) -> object:
        return pretty_json(row.options) if row.shows_payload else HIDDEN

    @admin.display(description=_("audit"))
    def audit(self, row: JobTemplate) -> object:
        return self.link_to_audit(subject=row.name, action__startswith="template.")

    @admin.action(permissions=["enqueue"], description=_("Enqueue a copy"))
    def enqueue(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        rows, ticked = selected_rows(self, request)
        done, refused = each(rows, lambda row: Template(row.name).enqueue().created)
        count = len(done)
        facts = [ngettext("%d job enqueued", "%d jobs enqueued", count) % count, *refused]
        if left := len(rows) - count - len(refused):
            held = ngettext("%d holds its unique key", "%d hold their unique keys", left)
            facts.append(held % left)
        missing = ticked - len(rows)
        finish(self, request, done=done, facts=facts, missing=missing, what="Enqueued.")
