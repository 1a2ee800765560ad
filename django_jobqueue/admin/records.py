"""What the admin pages of live, archived and dead jobs share."""

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import BooleanField, F, QuerySet, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_jobqueue.core.states import JobState
from django_jobqueue.models.base import JobRecord

from .base import LookingAdmin
from .display import (
    EMPTY,
    HIDDEN,
    LIST_TEXT_LENGTH,
    error_text,
    pretty_json,
    short_error,
    span,
    visible,
)
from .search import search_jobs
from .timeline import runs_of, timeline

#: JSON of any size: read for one job, never for a page of them.
WIDE_COLUMNS = ("payload", "result", "error", "progress", "checkpoints", "meta", "tags", "backoff")


def record_fieldsets(*state: str) -> list[tuple[Any, Any]]:
    """Return the sections of a job's page; `state` names the columns that say where it stands."""
    counts = ("priority", "attempts", "reprocess_count", "rescues")
    said = ("payload_text", "result_text", "error_text", "progress_text", "checkpoints_text")
    labels = ("fingerprint_text", "unique_key_text", "tags_text", "meta_text")
    options = ("timeout_seconds", "backoff_text", "worker", "requeued_from_job")
    recurring = ("schedule_text", "slot", "template_text")
    composed = ("batch", "waits_for_job")
    return [
        (None, {"fields": ("id", "handler_name", "queue_name", state, counts)}),
        (_("What it was given, and what came of it"), {"fields": said}),
        (_("Labels"), {"fields": labels}),
        (_("Options and origin"), {"fields": (*options, recurring, composed, "audit")}),
    ]


class JobRecordAdmin(LookingAdmin):
    """A job in one of its tables. Without `jobqueue.view_payload`, what it works with and says is
    hidden.
    """

    change_form_template = "admin/jobqueue/job_record.html"
    # As wide as the ones of its subclasses; the stubs' own type has no name outside of them.
    ordering: ClassVar[tuple[str, ...]] = ("-id",)  # pyright: ignore[reportIncompatibleVariableOverride]
    search_fields = ("id", "fingerprint", "unique_key")
    search_help_text = _("An id, or a whole fingerprint or unique key.")
    linked_lookups: tuple[str, ...] = ("id", "fingerprint", "unique_key", "batch_id", "waits_for")
    readonly_fields = (
        "id",
        "handler_name",
        "queue_name",
        "priority",
        "attempts",
        "fingerprint_text",
        "unique_key_text",
        "worker",
        "requeued_from_job",
        "schedule_text",
        "template_text",
        "batch",
        "waits_for_job",
        "payload_text",
        "result_text",
        "error_text",
        "progress_text",
        "checkpoints_text",
        "tags_text",
        "meta_text",
        "backoff_text",
        "audit",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        allowed = Value(self.may(request, "view_payload"), output_field=BooleanField())
        rows: QuerySet[Any] = super().get_queryset(request).annotate(shows_payload=allowed)
        return rows

    def prepare_list(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = rows.defer(*WIDE_COLUMNS)
        if not self.may(request, "view_payload"):
            return rows
        message = Left(KeyTextTransform("message", F("error")), LIST_TEXT_LENGTH)
        told: QuerySet[Any] = rows.annotate(
            last_error_type=KeyTextTransform("type", F("error")), last_error_message=message
        )
        return told

    def prepare_selection(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return super().prepare_selection(rows).defer(*WIDE_COLUMNS)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return search_jobs(queryset, search_term), False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        job = context["original"]
        runs, more_runs = runs_of(job.pk, using=self.using, readable=job.shows_payload)
        context.update(timeline=timeline(job), runs=runs, more_runs=more_runs)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("handler"))
    def handler_name(self, job: JobRecord) -> str:
        return visible(job.handler)

    @admin.display(description=_("queue"))
    def queue_name(self, job: JobRecord) -> str:
        return visible(job.queue)

    @admin.display(description=_("attempt"))
    def attempts(self, job: JobRecord) -> str:
        return f"{job.attempt}/{job.max_attempts}"

    @admin.display(description=_("fingerprint"))
    def fingerprint_text(self, job: JobRecord) -> str:
        return visible(job.fingerprint) or EMPTY

    @admin.display(description=_("unique key"))
    def unique_key_text(self, job: JobRecord) -> str:
        return EMPTY if job.unique_key is None else visible(job.unique_key)

    @admin.display(description=_("last error"))
    def last_error(self, job: Any) -> object:
        if not _is_readable(job):
            return HIDDEN
        return short_error(job.last_error_type, job.last_error_message) or EMPTY

    @admin.display(description=_("ran for"))
    def ran_for(self, job: Any) -> str:
        return span(_run_time(job))

    @admin.display(description=_("worker"))
    def worker(self, job: JobRecord) -> object:
        key = job.worker_id
        return EMPTY if key is None else self.link("workerrecord_change", key, text=key)

    @admin.display(description=_("requeued from"))
    def requeued_from_job(self, job: JobRecord) -> object:
        """Dead letters live on under their own id; a copy of an archived job has another."""
        if job.requeued_from == job.pk:
            return gettext("its own dead letter")
        key = job.requeued_from
        return EMPTY if key is None else self.link("archivedjob_change", key, text=key)

    @admin.display(description=_("schedule"))
    def schedule_text(self, job: JobRecord) -> object:
        name = job.schedule
        return (
            EMPTY if name is None else self.link("schedule_changelist", text=visible(name), q=name)
        )

    @admin.display(description=_("template"))
    def template_text(self, job: JobRecord) -> str:
        return EMPTY if job.template is None else visible(job.template)

    @admin.display(description=_("batch"))
    def batch(self, job: JobRecord) -> object:
        key = job.batch_id
        return EMPTY if key is None else self.link("batchrecord_change", key, text=key)

    @admin.display(description=_("waits, or waited, for"))
    def waits_for_job(self, job: JobRecord) -> object:
        """A job that is blocked waits for one that lives; one that went on did for a success."""
        key = job.waits_for
        if key is None:
            return EMPTY
        is_blocked = getattr(job, "state", None) == JobState.BLOCKED
        page = "job_changelist" if is_blocked else "archivedjob_changelist"
        return self.link(page, text=key, id=str(key))

    @admin.display(description=_("payload"))
    def payload_text(self, job: JobRecord) -> object:
        return pretty_json(job.payload) if _is_readable(job) else HIDDEN

    @admin.display(description=_("result"))
    def result_text(self, job: JobRecord) -> object:
        return pretty_json(job.result) if _is_readable(job) else HIDDEN

    @admin.display(description=_("last error"))
    def error_text(self, job: JobRecord) -> object:
        return error_text(job.error) if _is_readable(job) else HIDDEN

    @admin.display(description=_("progress"))
    def progress_text(self, job: JobRecord) -> object:
        return pretty_json(job.progress) if _is_readable(job) else HIDDEN

    @admin.display(description=_("checkpoints"))
    def checkpoints_text(self, job: JobRecord) -> object:
        return pretty_json(job.checkpoints) if _is_readable(job) else HIDDEN

    @admin.display(description=_("tags"))
    def tags_text(self, job: JobRecord) -> object:
        return pretty_json(job.tags or None)

    @admin.display(description=_("meta"))
    def meta_text(self, job: JobRecord) -> object:
        return pretty_json(job.meta or None)

    @admin.display(description=_("backoff"))
    def backoff_text(self, job: JobRecord) -> object:
        return pretty_json(job.backoff)

    @admin.display(description=_("audit"))
    def audit(self, job: JobRecord) -> object:
        return self.link_to_audit(job=str(job.pk))


def _is_readable(job: Any) -> bool:
    """Hidden unless the query that fetched the row said otherwise: a row from elsewhere stays
    closed.
    """
    return bool(getattr(job, "shows_payload", False))


def _run_time(job: Any) -> timedelta | None:
    if job.attempted_at is None or job.finished_at is None:
        return None
    taken: timedelta = job.finished_at - job.attempted_at
    return taken
