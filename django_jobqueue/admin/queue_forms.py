from typing import TYPE_CHECKING

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.jobs.queue import Queue
from django_jobqueue.models import QueueRecord

if TYPE_CHECKING:
    QueueModelForm = forms.ModelForm[QueueRecord]
else:
    QueueModelForm = forms.ModelForm


class QueueForm(QueueModelForm):
    """Gives a queue its row; what else the row says is said by actions."""

    def clean_name(self) -> str:
        try:
            return Queue(self.cleaned_data["name"]).name
        except InvalidOptions as error:
            raise ValidationError(str(error)) from error


class PauseForm(forms.Form):
    """Why a queue is paused, and until when; the reason is one line of text."""

    reason = forms.CharField(required=False, max_length=255, label=_("Reason"))
    until = forms.DateTimeField(
        required=False,
        label=_("Until"),
        help_text=_("Leave it empty to pause until somebody resumes the queue."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
