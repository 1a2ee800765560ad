from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import BooleanField, Case, Q, QuerySet, Value, When
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from django_jobqueue.core.health import SNAPSHOT_AGE, QueueStats, counted
from django_jobqueue.jobs.queue import Queue
from django_jobqueue.jobs.site import site_store
from django_jobqueue.models import QueueRecord

from .actions import confirmation, each, finish, is_confirmed, selected_rows
from .base import LookingAdmin
from .counting import bounded, counts_of, queues_without_a_row
from .display import EMPTY, span, visible
from .queue_forms import PauseForm, QueueForm
from .queue_limits import LIMITS, QueueLimits
from .snapshots import SnapshotNote, note_of


@admin.register(QueueRecord)
class QueueAdmin(QueueLimits, LookingAdmin):
    """Queues that have a row of their own. Pausing one gives it a row; adding a row here is how to
    reach it for that.
    """

    form = QueueForm
    change_form_template = "admin/jobqueue/queue_record.html"
    list_display = (
        "queue_name",
        "is_paused",
        "paused_at",
        "paused_until",
        "reason",
        "ready",
        "running",
        "dead",
    )
    ordering = ("name",)
    search_fields = ("name",)
    search_help_text = _("The first letters of a queue's name.")
    fieldsets = (
        (None, {"fields": ("queue_name", "jobs", "audit")}),
        (_("Limits"), {"fields": LIMITS}),
        (_("Pause"), {"fields": ("is_paused", "paused_at", "paused_until", "reason")}),
    )
    readonly_fields = ("queue_name", "jobs", "audit", "is_paused", "reason")
    actions = ("pause", "resume", "configure")
    #: A snapshot that others hold for longer is told.
    snapshot_age = SNAPSHOT_AGE

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [(None, {"fields": ("name",)})] if obj is None else self.fieldsets

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add_queuerecord")

    def has_pause_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "pause_queue")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        lasts = Q(paused_until=None) | Q(paused_until__gt=Now())
        paused = When(lasts, paused_at__isnull=False, then=Value(True))
        pause_holds = Case(paused, default=Value(False), output_field=BooleanField())
        rows: QuerySet[Any] = super().get_queryset(request).annotate(pause_holds=pause_holds)
        return rows

    def complete_page(self, rows: QuerySet[Any]) -> None:
        counts = counts_of(rows, using=self.using)
        for queue, (ready, running, dead) in zip(rows, counts, strict=True):
            queue.ready_count, queue.running_count, queue.dead_count = ready, running, dead

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset.filter(name__startswith=search_term.strip()), False

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        names = queues_without_a_row(using=self.using)
        rowless = [(name, visible(name)) for name in names]
        return {"rowless": rowless, "held_snapshot": self.held_snapshot()}

    def held_snapshot(self) -> SnapshotNote | None:
        return note_of(site_store().held_snapshot(), max_age=self.snapshot_age)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if queue := context.get("original"):
            context["numbers"] = _numbers(site_store().queue_stats(queue.pk))
            context["held_snapshot"] = self.held_snapshot()
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        QueueRecord.objects.using(self.using).get_or_create(name=obj.name)

    @admin.display(description=_("queue"))
    def queue_name(self, queue: QueueRecord) -> str:
        return visible(queue.name)

    @admin.display(description=_("paused"))
    def is_paused(self, queue: Any) -> str:
        return gettext("paused") if queue.pause_holds else EMPTY

    @admin.display(description=_("reason"))
    def reason(self, queue: QueueRecord) -> str:
        return visible(queue.pause_reason) or EMPTY

    @admin.display(description=_("ready"))
    def ready(self, queue: Any) -> str:
        return bounded(queue.ready_count)

    @admin.display(description=_("running"))
    def running(self, queue: Any) -> str:
        return bounded(queue.running_count)

    @admin.display(description=_("dead letters"))
    def dead(self, queue: Any) -> str:
        return bounded(queue.dead_count)

    @admin.display(description=_("jobs"))
    def jobs(self, queue: QueueRecord) -> object:
        return self.link("job_changelist", text=_("show"), queue=queue.name)

    @admin.display(description=_("audit"))
    def audit(self, queue: QueueRecord) -> object:
        return self.link_to_audit(queue=queue.name)

    @admin.action(permissions=["pause"], description=_("Pause"))
    def pause(self, request: HttpRequest, queryset: QuerySet[Any]) -> TemplateResponse | None:
        queues, ticked = selected_rows(self, request)
        form = PauseForm(request.POST if is_confirmed(request) else None)
        if queues and not form.is_valid():
            question = ngettext(
                "No further job of this queue will start. What runs goes on.",
                "No further job of these queues will start. What runs goes on.",
                len(queues),
            )
            return confirmation(
                self,
                request,
                action="pause",
                title=gettext("Pause queues"),
                question=question,
                rows=queues,
                form=form,
            )
        facts = form.cleaned_data if queues else {}
        paused, refused = each(
            queues, lambda row: Queue(row.name).pause(facts["reason"], until=facts["until"])
        )
        told = [
            ngettext("%d queue paused", "%d queues paused", len(paused)) % len(paused),
            *refused,
        ]
        finish(self, request, done=paused, facts=told, missing=ticked - len(queues), what="Paused.")
        return None

    @admin.action(permissions=["pause"], description=_("Resume"))
    def resume(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        queues, ticked = selected_rows(self, request)
        resumed, refused = each(queues, lambda row: Queue(row.name).resume())
        count, left = len(resumed), len(queues) - len(resumed) - len(refused)
        told = [ngettext("%d queue resumed", "%d queues resumed", count) % count, *refused]
        if left:
            told.append(ngettext("%d was not paused", "%d were not paused", left) % left)
        finish(
            self, request, done=resumed, facts=told, missing=ticked - len(queues), what="Resumed."
        )


def _numbers(stats: QueueStats) -> list[tuple[object, str]]:
    return [
        (_("Ready"), counted(stats.ready)),
        (_("Longest wait among them"), span(timedelta(seconds=stats.oldest_wait))),
        (_("Scheduled"), counted(stats.scheduled)),
        (_("Blocked"), counted(stats.blocked)),
        (_("Running"), counted(stats.running)),
        (_("Finished in the last minute"), counted(stats.finished_last_minute)),
        (_("Dead letters"), counted(stats.dead)),
    ]
