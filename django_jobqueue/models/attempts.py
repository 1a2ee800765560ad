from django.db import models
from django.db.models.functions import Now

from .base import JSON_LIST


class AttemptRecord(models.Model):
    """One run that did not simply succeed. No foreign key: finishing a job deletes its live row,
    and would cascade.
    """

    job_id = models.BigIntegerField()
    attempt = models.IntegerField(db_default=1)
    outcome = models.CharField(max_length=16, db_default="failed")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(db_default=Now())
    worker_id = models.UUIDField(null=True)
    error_type = models.CharField(max_length=255, db_default="")
    message = models.TextField(db_default="")
    traceback = models.TextField(db_default="")
    log = models.JSONField(db_default=JSON_LIST)

    class Meta:
        db_table = "jobqueue_attempt"
        verbose_name = "attempt"
        indexes = [models.Index(fields=["job_id", "id"], name="jobqueue_attempt_job")]

    def __str__(self) -> str:
        return f"attempt {self.attempt} of job {self.job_id}: {self.outcome}"
