"""What is set for queues, shown and changed."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.jobs.queue import Queue
from django_jobqueue.jobs.queue_settings import columns_of
from django_jobqueue.models import QueueRecord

from .actions import confirmation, each, finish, is_confirmed, selected_rows

if TYPE_CHECKING:
    from .base import LookingAdmin
else:
    LookingAdmin = object

#: What the admin shows and sets of `Queue.configure`.
LIMITS = ("concurrency", "max_running", "rate", "rate_burst", "max_attempts")


class LimitsForm(forms.Form):
    """All limits of some queues; what is left empty has its default."""

    concurrency = forms.IntegerField(
        required=False, label=_("Concurrency"), help_text=_("How many run in one worker process.")
    )
    max_running = forms.IntegerField(
        required=False, label=_("Max running"), help_text=_("How many run in all workers.")
    )
    rate = forms.CharField(
        required=False, label=_("Rate"), help_text=_("How often a job starts, such as 100/m.")
    )
    rate_burst = forms.IntegerField(
        required=False, label=_("Rate burst"), help_text=_("How many may start at once.")
    )
    max_attempts = forms.IntegerField(
        required=False,
        label=_("Max attempts"),
        help_text=_("For jobs enqueued from now on, whose handlers do not say."),
    )

    def clean(self) -> dict[str, Any]:
        """Return every option of `Queue.configure` that is shown here."""
        said = {option: self.cleaned_data.get(option) for option in LIMITS}
        limits = {option: None if value == "" else value for option, value in said.items()}
        for option, value in limits.items():
            try:
                columns_of({option: value})
            except InvalidOptions as error:
                self.add_error(option, error.why)
        return limits


class QueueLimits(LookingAdmin):
    """The part of a queue's page that is about limits."""

    def has_configure_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "configure_queue")

    @admin.action(permissions=["configure"], description=_("Set limits"))
    def configure(self, request: HttpRequest, queryset: QuerySet[Any]) -> TemplateResponse | None:
        queues, ticked = selected_rows(self, request)
        form = LimitsForm(request.POST) if is_confirmed(request) else _filled(queues)
        if queues and not form.is_valid():
            return confirmation(
                self,
                request,
                action="configure",
                title=gettext("Set limits"),
                question=gettext(
                    "What is left empty has its default. Workers keep to it within a poll interval."
                ),
                rows=queues,
                form=form,
            )
        limits = form.cleaned_data if queues else {}
        done, refused = each(queues, lambda row: Queue(row.name).configure(**limits))
        told = [
            ngettext("%d queue configured", "%d queues configured", len(done)) % len(done),
            *refused,
        ]
        finish(
            self, request, done=done, facts=told, missing=ticked - len(queues), what="Configured."
        )
        return None


def _filled(queues: list[QueueRecord]) -> LimitsForm:
    """The form as it is first shown: with what is the same for all of the queues."""
    values = {option: {getattr(queue, option) for queue in queues} for option in LIMITS}
    return LimitsForm(
        initial={option: next(iter(found)) for option, found in values.items() if len(found) == 1}
    )
