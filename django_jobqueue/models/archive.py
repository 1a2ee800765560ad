from django.db import models
from django.db.models import Q

from django_jobqueue.core.states import ARCHIVED_STATES, JobState

from .base import FinalRecord
from .fingerprints import FingerprintIndex


class ArchivedJob(FinalRecord):
    """A job that succeeded or was cancelled."""

    state = models.CharField(
        max_length=16,
        choices=[(state.value, state.value) for state in ARCHIVED_STATES],
        db_default=JobState.SUCCEEDED.value,
    )

    class Meta(FinalRecord.Meta):
        db_table = "jobqueue_archivedjob"
        verbose_name = "archived job"
        permissions = [("requeue_archivedjob", "Can enqueue archived jobs again")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in ARCHIVED_STATES]),
                name="jobqueue_archivedjob_state_is_archived",
            ),
        ]
        indexes = [
            # Every success pays for each of these, so there are no more than lists, retention and
            # counts cannot do without.
            models.Index(fields=["finished_at"], name="jobqueue_archive_finished"),
            models.Index(fields=["queue", "finished_at"], name="jobqueue_archive_queue"),
            models.Index(
                fields=["finished_at"],
                condition=Q(state=JobState.CANCELLED.value),
                name="jobqueue_archive_cancelled",
            ),
            FingerprintIndex(name="jobqueue_archive_fingerprint", by_stretch=True),
            models.Index(
                fields=["unique_key", "finished_at"],
                condition=Q(unique_key__isnull=False),
                name="jobqueue_archive_unique_key",
            ),
            # The members of batches; other jobs are not in it.
            models.Index(
                fields=["batch_id", "state"],
                condition=Q(batch_id__isnull=False),
                name="jobqueue_archive_batch",
            ),
        ]
