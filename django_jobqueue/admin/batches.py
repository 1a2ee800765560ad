from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin import EmptyFieldListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from django_jobqueue.core.specs import Cancelled
from django_jobqueue.jobs.batches import BatchHandle
from django_jobqueue.jobs.control import Requeued
from django_jobqueue.models import BatchRecord

from .actions import selected_rows, tell, write_down
from .base import LookingAdmin
from .display import EMPTY, pretty_json, visible

_MEMBERS = (
    ("job_changelist", _("live")),
    ("archivedjob_changelist", _("archived")),
    ("deadjob_changelist", _("dead")),
)
_ENDS = (("on_finish", _("finish")), ("on_success", _("success")), ("on_failure", _("failure")))


@admin.register(BatchRecord)
class BatchAdmin(LookingAdmin):
    """Jobs that belong together. The list counts nothing: only a page of one batch does."""

    list_display = ("name", "state", "ended_members", "parent", "created_at", "finished_at")
    list_filter = (("finished_at", EmptyFieldListFilter),)
    linked_lookups = ("parent_id",)
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("id", "state", "parent", "parts", "created_at", "finished_at")}),
        (_("Members"), {"fields": ("numbers", "members")}),
        (_("What is enqueued at its end"), {"fields": ("callbacks", "meta_text")}),
    )
    readonly_fields = (
        "state",
        "parent",
        "parts",
        "numbers",
        "members",
        "callbacks",
        "meta_text",
    )
    actions = ("cancel", "requeue")

    @admin.display(description=_("batch"))
    def name(self, batch: BatchRecord) -> str:
        return str(batch.pk)

    @admin.display(description=_("state"))
    def state(self, batch: BatchRecord) -> object:
        return _("open") if batch.finished_at is None else _("finished")

    @admin.display(description=_("succeeded / cancelled / dead"))
    def ended_members(self, batch: BatchRecord) -> str:
        """Of a finished batch, whose numbers stand in its row."""
        if batch.finished_at is None:
            return EMPTY
        return f"{batch.succeeded} / {batch.cancelled} / {batch.dead}"

    @admin.display(description=_("belongs to"))
    def parent(self, batch: BatchRecord) -> object:
        key = batch.parent_id
        return EMPTY if key is None else self.link("batchrecord_change", key, text=key)

    @admin.display(description=_("batches of its own"))
    def parts(self, batch: BatchRecord) -> object:
        return self.link("batchrecord_changelist", text=_("show"), parent_id=str(batch.pk))

    @admin.display(description=_("how they stand"))
    def numbers(self, batch: BatchRecord) -> str:
        found = BatchHandle(batch.pk).snapshot
        told = {
            gettext("waiting"): found.waiting,
            gettext("running"): found.running,
            gettext("succeeded"): found.succeeded,
            gettext("cancelled"): found.cancelled,
            gettext("dead"): found.dead,
        }
        return ", ".join(f"{count} {name}" for name, count in told.items())

    @admin.display(description=_("jobs"))
    def members(self, batch: BatchRecord) -> object:
        links = [(self.link(page, text=text, batch_id=str(batch.pk)),) for page, text in _MEMBERS]
        return format_html_join(", ", "{}", links)

    @admin.display(description=_("jobs"))
    def callbacks(self, batch: BatchRecord) -> str:
        jobs = {text: getattr(batch, name) for name, text in _ENDS}
        told = [f"{text}: {visible(job['handler'])}" for text, job in jobs.items() if job]
        return ", ".join(told) or EMPTY

    @admin.display(description=_("meta"))
    def meta_text(self, batch: BatchRecord) -> object:
        return pretty_json(batch.meta or None)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "cancel_batch")

    def has_requeue_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "requeue_batch")

    @admin.action(permissions=["cancel"], description=_("Cancel their members"))
    def cancel(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        reason = f"cancelled in the admin by {visible(request.user.get_username())}"
        done = self._steer(request, partial(_cancelled, reason=reason), "Cancelled.")
        cancelled, asked = sum(one.cancelled for one in done), sum(one.asked for one in done)
        facts = [ngettext("%d member cancelled", "%d members cancelled", cancelled) % cancelled]
        if asked:
            facts.append(ngettext("%d asked to stop", "%d asked to stop", asked) % asked)
        tell(self, request, done=bool(cancelled or asked), facts=facts)

    @admin.action(permissions=["requeue"], description=_("Requeue dead and cancelled members"))
    def requeue(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        done = self._steer(request, _requeued, "Requeued.")
        live, refused = sum(len(one.ids) for one in done), sum(len(one.refused) for one in done)
        facts = [ngettext("%d member requeued", "%d members requeued", live) % live]
        if refused:
            held = ngettext("the key of %d is taken", "the keys of %d are taken", refused)
            facts.append(held % refused)
        tell(self, request, done=bool(live), facts=facts)

    def _steer(self, request: HttpRequest, verb: Any, what: str) -> list[Any]:
        rows, _ticked = selected_rows(self, request)
        done = [verb(BatchHandle(row.pk)) for row in rows]
        write_down(request, rows, what)
        return done


def _cancelled(batch: BatchHandle, *, reason: str) -> Cancelled:
    return batch.cancel(reason)


def _requeued(batch: BatchHandle) -> Requeued:
    return batch.requeue()
