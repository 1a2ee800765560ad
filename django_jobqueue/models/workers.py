from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from django_jobqueue.core.states import WorkerState

from .base import JSON_LIST


class WorkerRecord(models.Model):
    """One start of one worker: who it is, what it serves, and until when it is believed without a
    heartbeat.
    """

    id = models.UUIDField(primary_key=True)
    state = models.CharField(
        max_length=16,
        choices=[(state.value, state.value) for state in WorkerState],
        db_default=WorkerState.ALIVE.value,
    )
    host = models.CharField(max_length=255, db_default="")
    pid = models.IntegerField(db_default=0)
    version = models.CharField(max_length=64, db_default="")
    supervisor_id = models.UUIDField(null=True)
    queues = models.JSONField(db_default=JSON_LIST)
    handlers = models.JSONField(db_default=JSON_LIST)
    concurrency = models.IntegerField(db_default=0)
    running = models.IntegerField(db_default=0)
    started_at = models.DateTimeField(db_default=Now())
    heartbeat_at = models.DateTimeField(db_default=Now())
    lease_expires_at = models.DateTimeField(db_default=Now())
    stop_requested_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "jobqueue_worker"
        verbose_name = "worker"
        permissions = [("stop_worker", "Can ask workers to stop")]
        indexes = [
            # Few are alive. It has no column that a heartbeat writes, so that none leaves an entry.
            models.Index(
                fields=["id"],
                condition=Q(state=WorkerState.ALIVE.value),
                name="jobqueue_worker_alive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"
