from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from django_jobqueue.core.schedules import Missed, Overlap, Source

from .base import EMPTY_PAYLOAD, JSON_OBJECT


class Schedule(models.Model):
    """A recurring rule, and what each of its slots enqueues. `options` holds the columns of that
    job, resolved when the schedule was saved: a scheduler needs no handler.
    """

    name = models.CharField(max_length=128, unique=True)
    source = models.CharField(
        max_length=16,
        choices=[(source.value, source.value) for source in Source],
        db_default=Source.CALL.value,
    )
    handler = models.CharField(max_length=255)
    template = models.CharField(max_length=128, null=True)
    payload = models.JSONField(db_default=EMPTY_PAYLOAD)
    options = models.JSONField(db_default=JSON_OBJECT)

    cron = models.CharField(max_length=255, db_default="")
    all_must_match = models.BooleanField(db_default=False)
    timezone = models.CharField(max_length=64, db_default="UTC")
    every_seconds = models.FloatField(null=True)
    after = models.CharField(max_length=8, db_default="start")

    missed = models.CharField(
        max_length=8,
        choices=[(missed.value, missed.value) for missed in Missed],
        db_default=Missed.ONCE.value,
    )
    missed_cap = models.IntegerField(db_default=100)
    overlap = models.CharField(
        max_length=8,
        choices=[(overlap.value, overlap.value) for overlap in Overlap],
        db_default=Overlap.ALLOW.value,
    )
    jitter_seconds = models.FloatField(db_default=0.0)

    paused_at = models.DateTimeField(null=True)
    pause_reason = models.CharField(max_length=255, db_default="")
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.CharField(max_length=255, db_default="")

    next_slot = models.DateTimeField(null=True)
    last_slot = models.DateTimeField(null=True)
    last_job_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "jobqueue_schedule"
        verbose_name = "schedule"
        permissions = [
            ("pause_schedule", "Can pause and resume schedules"),
            ("enqueue_schedule", "Can enqueue the job of a schedule at once"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(cron="") ^ Q(every_seconds__isnull=True),
                name="jobqueue_schedule_has_one_rule",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_slot", "id"],
                condition=Q(disabled_at__isnull=True),
                name="jobqueue_schedule_due",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ScheduleSlot(models.Model):
    """What became of one slot: the job of its own, or the reason why it has none. The last ten of
    each schedule are kept.
    """

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="slots")
    slot = models.DateTimeField()
    decided_at = models.DateTimeField(db_default=Now())
    job_id = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=255, db_default="")

    class Meta:
        db_table = "jobqueue_slot"
        verbose_name = "slot"
        constraints = [
            models.UniqueConstraint(fields=["schedule", "slot"], name="jobqueue_slot_once"),
        ]

    def __str__(self) -> str:
        return f"{self.slot:%Y-%m-%d %H:%M:%S}"
