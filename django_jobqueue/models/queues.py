from django.db import models


class QueueRecord(models.Model):
    """What is set for one queue. A queue is a name: without a row it has the defaults."""

    name = models.CharField(max_length=128, primary_key=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    pause_reason = models.CharField(max_length=255, blank=True, db_default="")
    concurrency = models.IntegerField(null=True, blank=True)
    max_running = models.IntegerField(null=True, blank=True)
    rate = models.CharField(max_length=32, null=True, blank=True)
    rate_burst = models.IntegerField(db_default=1)
    max_attempts = models.IntegerField(null=True, blank=True)
    backoff = models.JSONField(null=True, blank=True)
    archive_retention_seconds = models.FloatField(null=True, blank=True)
    dead_retention_seconds = models.FloatField(null=True, blank=True)

    class Meta:
        db_table = "jobqueue_queue"
        verbose_name = "queue"
        permissions = [
            ("pause_queue", "Can pause and resume queues"),
            ("configure_queue", "Can set the limits of queues"),
        ]

    def __str__(self) -> str:
        return self.name
