from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .base import JSON_OBJECT


class BatchRecord(models.Model):
    """Jobs that belong together. What its members do is told by their own rows: this one is written
    when it is made and when it has finished, never because of a single member.
    """

    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    #: The batch that cannot finish before this one.
    parent_id = models.BigIntegerField(null=True)
    meta = models.JSONField(db_default=JSON_OBJECT)

    #: The jobs to enqueue at its end, each once.
    on_success = models.JSONField(null=True)
    on_failure = models.JSONField(null=True)
    on_finish = models.JSONField(null=True)
    success_enqueued = models.BooleanField(db_default=False)
    failure_enqueued = models.BooleanField(db_default=False)
    finish_enqueued = models.BooleanField(db_default=False)

    #: Members that were dead, and whose records somebody has deleted.
    discarded = models.IntegerField(db_default=0)
    #: The numbers of its members when it finished: their records are pruned.
    succeeded = models.IntegerField(db_default=0)
    cancelled = models.IntegerField(db_default=0)
    dead = models.IntegerField(db_default=0)

    class Meta:
        db_table = "jobqueue_batch"
        verbose_name = "batch"
        verbose_name_plural = "batches"
        permissions = [
            ("cancel_batch", "Can cancel batches"),
            ("requeue_batch", "Can requeue batches"),
        ]
        indexes = [
            models.Index(
                fields=["id"], condition=Q(finished_at__isnull=True), name="jobqueue_batch_open"
            ),
            models.Index(
                fields=["finished_at"],
                condition=Q(finished_at__isnull=False),
                name="jobqueue_batch_finished",
            ),
            models.Index(
                fields=["parent_id"],
                condition=Q(parent_id__isnull=False),
                name="jobqueue_batch_parent",
            ),
        ]

    def __str__(self) -> str:
        return f"batch {self.pk}"
