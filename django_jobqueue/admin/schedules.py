from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from django_jobqueue.core.schedules import Source
from django_jobqueue.jobs import schedules
from django_jobqueue.models import Schedule

from .display import EMPTY, HIDDEN, pretty_json, visible
from .kept import KeptByNameAdmin
from .recurring import next_slots, past_slots, rule_text, state_text
from .schedule_actions import ScheduleActions
from .schedule_forms import ScheduleForm, schedulable_handlers


@admin.register(Schedule)
class ScheduleAdmin(ScheduleActions, KeptByNameAdmin):
    """Schedules, their next slots and their last. Those that were made here can be changed here,
    of handlers with `schedulable=True`; declared ones only where they are declared.
    """

    form = ScheduleForm
    change_form_template = "admin/jobqueue/schedule_record.html"
    list_display = ("schedule_name", "handler_name", "rule", "state", "next_slot", "last_slot")
    list_filter = ("source",)
    search_help_text = _("The first letters of a schedule's name.")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "schedule_name",
                    "source",
                    "handler_name",
                    "template_name",
                    "jobs",
                    "audit",
                )
            },
        ),
        (_("Rule"), {"fields": ("rule", "missed", "missed_cap", "overlap", "jitter")}),
        (_("State"), {"fields": ("state", "next_slot", "last_slot")}),
        (_("What it is given"), {"fields": ("arguments_shown",)}),
    )
    edited = (
        (None, {"fields": ("name", ("handler", "arguments"), "template")}),
        (_("Rule"), {"fields": (("cron", "timezone"), ("every_seconds", "after"))}),
        (_("Slots"), {"fields": (("missed", "missed_cap"), "overlap", "jitter_seconds")}),
    )
    readonly_fields = (
        "schedule_name",
        "handler_name",
        "template_name",
        "jobs",
        "audit",
        "rule",
        "jitter",
        "state",
        "arguments_shown",
    )

    # Who may what.

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add_schedule")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (
            obj is not None
            and obj.source == Source.ADMIN
            and obj.handler in schedulable_handlers()
            and self.may(request, "change_schedule")
            and self.may(request, "view_payload")
        )

    # Pages.

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if row := context.get("original"):
            context["upcoming"] = next_slots(row.name)
            context["slots"] = past_slots(self, row.name)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        schedules.save(obj.name, source=Source.ADMIN, terms=form.terms, job=form.job)
        obj.pk = Schedule.objects.using(self.using).get(name=obj.name).pk
        obj.refresh_from_db(using=self.using)

    @admin.display(description=_("schedule"), ordering="name")
    def schedule_name(self, row: Schedule) -> str:
        return visible(row.name)

    @admin.display(description=_("handler"))
    def handler_name(self, row: Schedule) -> str:
        return visible(row.handler)

    @admin.display(description=_("template"))
    def template_name(self, row: Schedule) -> str:
        return visible(row.template) if row.template else EMPTY

    @admin.display(description=_("rule"))
    def rule(self, row: Schedule) -> str:
        return rule_text(row)

    @admin.display(description=_("state"))
    def state(self, row: Schedule) -> str:
        return state_text(row)

    @admin.display(description=_("jobs"))
    def jobs(self, row: Schedule) -> object:
        return self.link("job_changelist", text=_("show"), schedule=row.name)

    @admin.display(description=_("audit"))
    def audit(self, row: Schedule) -> object:
        return self.link_to_audit(subject=row.name, action__startswith="schedule.")

    @admin.display(description=_("jitter"))
    def jitter(self, row: Schedule) -> str:
        return f"{row.jitter_seconds:g} s" if row.jitter_seconds else EMPTY

    @admin.display(description=_("arguments"))
    def arguments_shown(self, row: Any) -> object:
        return pretty_json(row.payload) if row.shows_payload else HIDDEN
