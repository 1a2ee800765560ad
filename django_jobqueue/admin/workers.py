from typing import Any

from django.contrib import admin
from django.db.models import DurationField, ExpressionWrapper, F, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_jobqueue.core.states import WorkerState
from django_jobqueue.jobs import control
from django_jobqueue.models import WorkerRecord

from .actions import selected_rows, tell, write_down
from .base import LookingAdmin
from .display import EMPTY, span, visible
from .leases import lease_left, told_lease

_NAMES_IN_LIST = 5


@admin.register(WorkerRecord)
class WorkerAdmin(LookingAdmin):
    """Workers, living and gone, and whether their lease still holds by the database's clock."""

    list_display = (
        "name",
        "state",
        "served_queues",
        "concurrency",
        "running",
        "heartbeat_age",
        "lease",
        "stop_requested_at",
    )
    list_filter = ("state",)
    ordering = ("-heartbeat_at", "-pk")
    fieldsets = (
        (None, {"fields": ("id", "name", "state", "version", "supervisor_id", "audit")}),
        (_("Work"), {"fields": ("all_queues", "all_handlers", "concurrency", "running", "jobs")}),
        (
            _("Lease"),
            {
                "fields": (
                    "started_at",
                    "heartbeat_at",
                    "heartbeat_age",
                    "lease_expires_at",
                    "lease",
                    "stop_requested_at",
                    "ended_at",
                )
            },
        ),
    )
    readonly_fields = (
        "name",
        "all_queues",
        "all_handlers",
        "jobs",
        "heartbeat_age",
        "lease",
        "audit",
    )
    actions = ("ask_to_stop",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        since_heartbeat = ExpressionWrapper(Now() - F("heartbeat_at"), output_field=DurationField())
        rows: QuerySet[Any] = (
            super()
            .get_queryset(request)
            .annotate(since_heartbeat=since_heartbeat, lease_left=lease_left())
        )
        return rows

    @admin.display(description=_("worker"))
    def name(self, worker: WorkerRecord) -> str:
        return visible(worker)

    @admin.display(description=_("queues"))
    def served_queues(self, worker: WorkerRecord) -> object:
        return _names(worker.queues, most=_NAMES_IN_LIST) or _("all")

    @admin.display(description=_("queues"))
    def all_queues(self, worker: WorkerRecord) -> object:
        return _names(worker.queues) or _("all")

    @admin.display(description=_("handlers it knows"))
    def all_handlers(self, worker: WorkerRecord) -> str:
        return _names(worker.handlers) or EMPTY

    @admin.display(description=_("heartbeat"))
    def heartbeat_age(self, worker: Any) -> str:
        return _("%s ago") % span(worker.since_heartbeat)

    @admin.display(description=_("lease"))
    def lease(self, worker: Any) -> str:
        if worker.state != WorkerState.ALIVE:
            return EMPTY
        return told_lease(worker.lease_left)

    @admin.display(description=_("running jobs"))
    def jobs(self, worker: WorkerRecord) -> object:
        return self.link("job_changelist", text=_("show"), worker_id=str(worker.pk))

    @admin.display(description=_("audit"))
    def audit(self, worker: WorkerRecord) -> object:
        return self.link_to_audit(subject=str(worker.pk))

    def has_stop_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "stop_worker")

    @admin.action(permissions=["stop"], description=_("Ask to stop"))
    def ask_to_stop(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        workers, ticked = selected_rows(self, request)
        asked = [worker for worker in workers if control.stop_worker(worker.pk)]
        count = len(asked)
        facts = [ngettext("%d worker asked to stop", "%d workers asked to stop", count) % count]
        if left := ticked - count:
            facts.append(ngettext("%d is not alive", "%d are not alive", left) % left)
        write_down(request, asked, "Asked to stop.")
        tell(self, request, done=bool(asked), facts=facts)


def _names(names: object, *, most: int | None = None) -> str:
    if not isinstance(names, list):
        return visible(names)
    shown = ", ".join(visible(name) for name in names[:most])
    return f"{shown} …" if most is not None and len(names) > most else shown
