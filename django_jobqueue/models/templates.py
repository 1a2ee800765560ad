from django.db import models
from django.db.models.functions import Now

from .base import EMPTY_PAYLOAD, JSON_OBJECT


class JobTemplate(models.Model):
    """A stored job to copy from: what `using` would take is in `options`."""

    name = models.CharField(max_length=128, unique=True)
    handler = models.CharField(max_length=255)
    payload = models.JSONField(db_default=EMPTY_PAYLOAD)
    options = models.JSONField(db_default=JSON_OBJECT)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "jobqueue_template"
        verbose_name = "template"
        permissions = [("enqueue_jobtemplate", "Can enqueue templates")]

    def __str__(self) -> str:
        return self.name
