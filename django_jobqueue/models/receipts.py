from django.db import models
from django.db.models.functions import Now

from .base import JSON_LIST


class ReceiptRecord(models.Model):
    """One enqueue that must not be stored twice, by the id that its caller drew; `job_ids` are the
    jobs it was answered with. It outlives them.
    """

    id = models.UUIDField(primary_key=True)
    job_ids = models.JSONField(db_default=JSON_LIST)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "jobqueue_receipt"
        verbose_name = "receipt"
        indexes = [models.Index(fields=["created_at"], name="jobqueue_receipt_created")]

    def __str__(self) -> str:
        return str(self.pk)
