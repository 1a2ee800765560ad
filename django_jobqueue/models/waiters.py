from django.db import models
from django.db.models.functions import Now


class WaiterRecord(models.Model):
    """A process waits for a job: who finishes the job, or a run of it, tells them so.

    Only where the database can tell other processes. `waiter` is drawn by who waits, and never used
    again; a lapsed row was left by one that is gone.
    """

    job_id = models.BigIntegerField()
    waiter = models.UUIDField()
    lease_expires_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "jobqueue_waiter"
        verbose_name = "waiter"
        constraints = [
            models.UniqueConstraint(fields=["job_id", "waiter"], name="jobqueue_waiter_unique")
        ]

    def __str__(self) -> str:
        return f"{self.waiter} waits for job {self.job_id}"
