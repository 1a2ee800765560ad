"""What a person says of a schedule or a template; checked as what code says of it."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from django_jobqueue.core.cron import Every, zone_of
from django_jobqueue.core.errors import JobQueueError
from django_jobqueue.core.specs import NewJob
from django_jobqueue.jobs.handlers import Handler
from django_jobqueue.jobs.options import JobOptions
from django_jobqueue.jobs.registry import registry
from django_jobqueue.jobs.schedule_options import schedule_name, terms_of
from django_jobqueue.jobs.schedules import job_to_repeat
from django_jobqueue.jobs.templates import Template, read
from django_jobqueue.models import JobTemplate, Schedule

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm

T = TypeVar("T")

_TERMS = ("cron", "timezone", "every_seconds", "after", "missed", "missed_cap", "overlap")


def schedulable_handlers() -> list[str]:
    """The handlers that the admin may run: those that say so."""
    return sorted(handler.name for handler in registry if handler.schedulable)


def _handler_choices() -> list[tuple[str, str]]:
    return [("", "---------"), *((name, name) for name in schedulable_handlers())]


def _template_choices() -> list[tuple[str, str]]:
    names = JobTemplate.objects.filter(handler__in=schedulable_handlers()).order_by("name")
    return [("", "---------"), *((name, name) for name in names.values_list("name", flat=True))]


class _NamedForm(ModelForm):
    """Names are given once: whoever enqueues or steers goes by them."""

    arguments = forms.JSONField(
        required=False,
        initial=dict,
        label=_("Arguments"),
        help_text=_('By name, as JSON: {"user_id": 1}.'),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            if "name" in self.fields:
                self.fields["name"].disabled = True
            self.initial["arguments"] = self.instance.payload.get("kwargs", {})

    def clean_name(self) -> str:
        given: str = self.cleaned_data["name"]
        return _checked(lambda: schedule_name("name", given))

    def clean_arguments(self) -> Mapping[str, Any]:
        given = self.cleaned_data["arguments"] or {}
        if not isinstance(given, Mapping):
            raise ValidationError(_("Give an object: arguments have names."))
        return given

    def typed_arguments(self, handler: Handler) -> dict[str, Any]:
        """The arguments as the handler takes them."""
        return handler.arguments.load((), self.cleaned_data["arguments"])[1]


class ScheduleForm(_NamedForm):
    """Either a handler with its arguments, or a template; and either cron or a span."""

    handler = forms.ChoiceField(choices=_handler_choices, required=False, label=_("Handler"))
    template = forms.ChoiceField(choices=_template_choices, required=False, label=_("Template"))
    cron = forms.CharField(required=False, max_length=255, label=_("Cron"))
    timezone = forms.CharField(required=False, max_length=64, label=_("Time zone"))
    every_seconds = forms.FloatField(required=False, label=_("Every, in seconds"))
    jitter_seconds = forms.FloatField(required=False, min_value=0, label=_("Jitter, in seconds"))

    class Meta:
        model = Schedule
        fields = ("name", "handler", "template", *_TERMS, "jitter_seconds")
        widgets = {"after": forms.Select(choices=[("start", "start"), ("finish", "finish")])}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        defaults = {"missed": "once", "missed_cap": None, "overlap": "allow", "after": "start"}
        for name in defaults.keys() & self.fields.keys():
            self.fields[name].initial, self.fields[name].required = defaults[name], False
        if self.instance.template:
            self.initial["handler"] = ""

    def clean(self) -> dict[str, Any]:
        super().clean()
        if not self.errors:
            if not self.cleaned_data["cron"] and self.cleaned_data["every_seconds"] is None:
                raise ValidationError(_("Give cron, or a span."))
            self.terms = _checked(lambda: terms_of(self._said()))
            self.job = _checked(self._job)
        return dict(self.cleaned_data)

    def _said(self) -> dict[str, Any]:
        """What was filled in, as `using` takes it."""
        given = self.cleaned_data
        names = ("cron", "missed", "overlap")
        said: dict[str, Any] = {name: given[name] for name in names if given[name]}
        if given["cron"] and given["timezone"]:
            said["timezone"] = zone_of(given["timezone"]).key
        if given["every_seconds"] is not None:
            span = timedelta(seconds=given["every_seconds"])
            said["every"] = Every(span, after=given["after"] or "start")
        if given["missed"] == "all" and given["missed_cap"] is not None:
            said["missed_cap"] = given["missed_cap"]
        if given["jitter_seconds"]:
            said["jitter"] = given["jitter_seconds"]
        return said

    def _job(self) -> NewJob:
        handler, template = self.cleaned_data["handler"], self.cleaned_data["template"]
        if bool(handler) == bool(template):
            raise ValidationError(_("Give a handler, or a template."))
        if template:
            return Template(template).job()
        found = registry.get(handler)
        return job_to_repeat(found, JobOptions(), (), self.typed_arguments(found))


class TemplateForm(_NamedForm):
    """A handler, its arguments, and what `using` takes."""

    handler = forms.ChoiceField(choices=_handler_choices, label=_("Handler"))
    options = forms.JSONField(
        required=False,
        initial=dict,
        label=_("Options"),
        help_text=_('As JSON: {"queue": "slow", "priority": 5}.'),
    )

    class Meta:
        model = JobTemplate
        fields = ("name", "handler", "options")

    def clean_options(self) -> Mapping[str, Any]:
        given = self.cleaned_data["options"] or {}
        if not isinstance(given, Mapping):
            raise ValidationError(_("Give an object: options have names."))
        return given

    def clean(self) -> dict[str, Any]:
        super().clean()
        if not self.errors:
            self.said = _checked(lambda: read(self.cleaned_data["options"]))
            self.found = registry.get(self.cleaned_data["handler"])
            self.typed = _checked(lambda: self.typed_arguments(self.found))
            _checked(lambda: job_to_repeat(self.found, self.said, (), self.typed))
        return dict(self.cleaned_data)


class ReasonForm(forms.Form):
    """Why a schedule is paused; one line of text."""

    reason = forms.CharField(required=False, max_length=255, label=_("Reason"))


def _checked(work: Callable[[], T]) -> T:
    try:
        return work()
    except (JobQueueError, OverflowError) as error:
        raise ValidationError(str(error)) from error
