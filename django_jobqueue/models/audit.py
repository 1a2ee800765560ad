from django.db import models
from django.db.models.functions import Now

from .base import JSON_LIST, JSON_OBJECT


class AuditRecord(models.Model):
    """One action of an operator, written in its transaction: who did what to what, and why.

    A bulk action is one record; `job_ids` names the first of its jobs, `count` tells how many.
    """

    at = models.DateTimeField(db_default=Now())
    action = models.CharField(max_length=32)
    actor = models.CharField(max_length=255)
    why = models.TextField(db_default="")
    subject = models.CharField(max_length=300, db_default="")
    queue = models.CharField(max_length=128, null=True)
    asked = models.JSONField(db_default=JSON_OBJECT)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    count = models.BigIntegerField(db_default=1)
    job_ids = models.JSONField(db_default=JSON_LIST)

    class Meta:
        db_table = "jobqueue_audit"
        verbose_name = "audit record"
        indexes = [
            models.Index(fields=["at"], name="jobqueue_audit_at"),
            models.Index(fields=["queue", "id"], name="jobqueue_audit_queue"),
            models.Index(fields=["subject", "id"], name="jobqueue_audit_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}".strip()
