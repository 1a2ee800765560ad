from django.db import models
from django.db.models import Q

from django_jobqueue.core.states import DeathReason, JobState

from .base import FinalRecord
from .fingerprints import FingerprintIndex


class DeadJob(FinalRecord):
    """A dead letter: a job that will not run again without a person, and its reason."""

    state = models.CharField(
        max_length=16,
        choices=[(JobState.DEAD.value, JobState.DEAD.value)],
        db_default=JobState.DEAD.value,
    )
    reason = models.CharField(
        max_length=16,
        choices=[(reason.value, reason.value) for reason in DeathReason],
        db_default=DeathReason.EXHAUSTED.value,
    )

    class Meta(FinalRecord.Meta):
        db_table = "jobqueue_deadjob"
        verbose_name = "dead letter"
        permissions = [
            ("requeue_deadjob", "Can requeue dead letters"),
            ("discard_deadjob", "Can discard dead letters"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state=JobState.DEAD.value),
                name="jobqueue_deadjob_state_is_dead",
            ),
        ]
        indexes = [
            models.Index(fields=["finished_at"], name="jobqueue_dead_finished"),
            models.Index(fields=["queue", "finished_at"], name="jobqueue_dead_queue"),
            models.Index(fields=["reason", "finished_at"], name="jobqueue_dead_reason"),
            models.Index(fields=["handler", "finished_at"], name="jobqueue_dead_handler"),
            FingerprintIndex(name="jobqueue_dead_fingerprint"),
            models.Index(
                fields=["unique_key", "finished_at"],
                condition=Q(unique_key__isnull=False),
                name="jobqueue_dead_unique_key",
            ),
            # The members of batches; other jobs are not in it.
            models.Index(
                fields=["batch_id"],
                condition=Q(batch_id__isnull=False),
                name="jobqueue_dead_batch",
            ),
        ]
