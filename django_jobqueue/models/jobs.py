from django.db import models
from django.db.models import Q

from django_jobqueue.core.states import LIVE_STATES, JobState

from .base import JobRecord
from .fingerprints import FingerprintIndex


class Job(JobRecord):
    """A live job: scheduled, blocked, ready or running. A finished one is in another table."""

    id = models.BigAutoField(primary_key=True)
    state = models.CharField(
        max_length=16,
        choices=[(state.value, state.value) for state in LIVE_STATES],
        db_default=JobState.READY.value,
    )
    #: How many jobs of its concurrency key may run, where its enqueue call said so.
    key_limit = models.IntegerField(null=True)
    #: The limit that refused it, as the text of its name, while it is blocked.
    blocked_by = models.CharField(max_length=300, null=True)
    #: Whether another job waits for this one: the finish of any other asks nobody.
    has_next = models.BooleanField(db_default=False)
    #: The argument that takes the result of the job it waits for.
    result_as = models.CharField(max_length=255, null=True)
    #: What becomes of it if that job does not succeed: "cancel", or "hold".
    on_failure = models.CharField(max_length=8, db_default="cancel")

    class Meta(JobRecord.Meta):
        db_table = "jobqueue_job"
        verbose_name = "job"
        permissions = [
            ("view_payload", "Can see the arguments, results and errors of jobs"),
            ("edit_payload", "Can requeue jobs with other arguments"),
            ("cancel_job", "Can cancel jobs"),
            ("run_job", "Can run scheduled jobs now"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in LIVE_STATES]),
                name="jobqueue_job_state_is_live",
            ),
            # A job in this table is live. Partial: each claim of a job without a key would write.
            models.UniqueConstraint(
                fields=["unique_key"],
                condition=Q(unique_key__isnull=False),
                name="jobqueue_job_unique_key",
            ),
        ]
        indexes = [
            models.Index(
                "queue",
                models.F("priority").desc(),
                "ready_at",
                "id",
                condition=Q(state=JobState.READY.value),
                name="jobqueue_job_ready",
            ),
            # For the quarantine, which must not search the backlog for them.
            models.Index(
                "queue",
                models.F("priority").desc(),
                "ready_at",
                "id",
                condition=Q(state=JobState.READY.value, rescues__gt=0),
                name="jobqueue_job_suspect",
            ),
            models.Index(
                fields=["run_at", "id"],
                condition=Q(state=JobState.SCHEDULED.value),
                name="jobqueue_job_scheduled",
            ),
            # To count one queue's, however many of others wait. Of the queue alone it would be
            # smaller than the one above, and be read whole by looks at what is due in any queue.
            models.Index(
                fields=["queue", "run_at", "id"],
                condition=Q(state=JobState.SCHEDULED.value),
                name="jobqueue_job_scheduled_queue",
            ),
            models.Index(
                fields=["queue"],
                condition=Q(state=JobState.BLOCKED.value),
                name="jobqueue_job_blocked_queue",
            ),
            # With the time of the claim: heartbeats need not look at all that their worker has run.
            models.Index(
                fields=["worker_id", "claimed_at"],
                condition=Q(state=JobState.RUNNING.value),
                name="jobqueue_job_running",
            ),
            # Of the few that have a timeout; the others cost nothing.
            models.Index(
                fields=["deadline_at"],
                condition=Q(state=JobState.RUNNING.value, deadline_at__isnull=False),
                name="jobqueue_job_deadline",
            ),
            # Those that run are few, and found by `jobqueue_job_running`.
            FingerprintIndex(name="jobqueue_job_fingerprint", running_apart=True),
            # For each limit, the jobs that it refused, in the order in which they become ready.
            models.Index(
                "blocked_by",
                models.F("priority").desc(),
                "ready_at",
                "id",
                condition=Q(state=JobState.BLOCKED.value, blocked_by__isnull=False),
                name="jobqueue_job_blocked_by",
            ),
            # Who waits for a job: few do, and none once it is ready.
            models.Index(
                fields=["waits_for"],
                condition=Q(
                    state=JobState.BLOCKED.value, blocked_by__isnull=True, waits_for__isnull=False
                ),
                name="jobqueue_job_waits_for",
            ),
            # The members of batches; other jobs are not in it.
            models.Index(
                fields=["batch_id", "id"],
                condition=Q(batch_id__isnull=False),
                name="jobqueue_job_batch",
            ),
            # Whether any job has a key at all; the others are not in it.
            models.Index(
                fields=["concurrency_key"],
                condition=Q(concurrency_key__isnull=False),
                name="jobqueue_job_key",
            ),
            # Whether an occurrence of a schedule is live; other jobs are not in it.
            models.Index(
                fields=["schedule"],
                condition=Q(schedule__isnull=False),
                name="jobqueue_job_schedule",
            ),
        ]
