"""Requeueing with other arguments: whoever may do so can have a handler do anything that it can do.
So it has a permission of its own, and is off unless a setting turns it on.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.fields import InvalidJSONInput
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_jobqueue import conf
from django_jobqueue.core.errors import JobQueueError
from django_jobqueue.core.snapshots import JobSnapshot
from django_jobqueue.jobs import control
from django_jobqueue.jobs.registry import name_of_queue_handler, registry
from django_jobqueue.jobs.site import site_store

from .actions import confirmation, finish, is_confirmed, selected_rows, tell
from .display import visible

if TYPE_CHECKING:
    from .records import JobRecordAdmin

    Base = JobRecordAdmin
else:
    Base = object


class JSONTextField(forms.JSONField):
    """Shows what is there indented, and what was typed as it was typed."""

    def prepare_value(self, value: Any) -> str:
        if isinstance(value, InvalidJSONInput):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)

    def bound_data(self, data: Any, initial: Any) -> Any:
        return InvalidJSONInput(data or "")

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except RecursionError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


class ArgumentsForm(forms.Form):
    """The arguments of one job, as JSON; what its handler refuses is told here."""

    args = JSONTextField(
        required=False,
        label=_("Arguments by position"),
        help_text=_("A list, as JSON: [1, 2]."),
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
    )
    kwargs = JSONTextField(
        required=False,
        label=_("Arguments by name"),
        help_text=_('An object, as JSON: {"user_id": 1}.'),
        widget=forms.Textarea(attrs={"rows": 10, "class": "vLargeTextField"}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, job: JobSnapshot) -> None:
        payload = job.payload if isinstance(job.payload, Mapping) else {}
        initial = {"args": payload.get("args", []), "kwargs": payload.get("kwargs", {})}
        super().__init__(data, initial=initial)
        self._job = job

    def clean_args(self) -> list[Any]:
        given = self.cleaned_data["args"]
        if not isinstance(given, list | None):
            raise ValidationError(_("Give a list."))
        return given or []

    def clean_kwargs(self) -> dict[str, Any]:
        given = self.cleaned_data["kwargs"]
        if not isinstance(given, dict | None):
            raise ValidationError(_("Give an object: arguments have names."))
        return given or {}

    def requeue(self) -> int | None:
        """Requeue the job with what the form says; None where that is refused, and told."""
        if not self.is_valid():
            return None
        given, job = self.cleaned_data, self._job
        try:
            handler = registry.get(job.handler or name_of_queue_handler(job.queue))
            args, kwargs = handler.arguments.load(given["args"], given["kwargs"])
            return control.requeue_edited(job.id, *args, **kwargs)
        except (JobQueueError, OverflowError) as error:
            self.add_error(None, visible(error))
            return None


class EditedRequeueing(Base):
    """Adds the action to a page of final jobs."""

    def has_edit_permission(self, request: HttpRequest) -> bool:
        return (
            conf.current().admin_edits_arguments
            and self.may(request, "edit_payload")
            and self.may(request, "view_payload")
        )

    @admin.action(permissions=["edit"], description=_("Requeue with other arguments"))
    def requeue_edited(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> TemplateResponse | None:
        jobs, ticked = selected_rows(self, request)
        if ticked != 1:
            tell(self, request, done=False, facts=[gettext("Choose one job")])
            return None
        found = site_store().find(jobs[0].pk) if jobs else None
        facts = []
        if found is not None:
            form = ArgumentsForm(request.POST if is_confirmed(request) else None, job=found)
            live = form.requeue()
            if live is None:
                return confirmation(
                    self,
                    request,
                    action="requeue_edited",
                    title=gettext("Requeue with other arguments"),
                    question=gettext("The handler will run with what you give here."),
                    rows=jobs,
                    form=form,
                )
            facts = [gettext("requeued as job %d") % live]
        done = jobs if facts else []
        what = "Requeued with other arguments."
        finish(self, request, done=done, facts=facts, missing=ticked - len(done), what=what)
        return None
