"""The columns that all three job tables share: finishing a job moves its row, so the tables must
agree.
"""

from django.db import models
from django.db.models import Value
from django.db.models.functions import Now

from .fingerprints import FingerprintField

JSON_OBJECT = Value({}, output_field=models.JSONField())
JSON_LIST = Value([], output_field=models.JSONField())
EMPTY_PAYLOAD = Value({"args": [], "kwargs": {}}, output_field=models.JSONField())


class JobRecord(models.Model):
    """A job, wherever it lives. Every column has a database default, because raw SQL and COPY
    bypass the ORM's.
    """

    handler = models.CharField(max_length=255, db_default="")
    queue = models.CharField(max_length=128, db_default="default")
    priority = models.SmallIntegerField(db_default=0)
    payload = models.JSONField(db_default=EMPTY_PAYLOAD)

    run_at = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True, db_default=Now())
    created_at = models.DateTimeField(db_default=Now())

    attempt = models.IntegerField(db_default=0)
    max_attempts = models.IntegerField(db_default=3)
    reprocess_count = models.IntegerField(db_default=0)
    rescues = models.SmallIntegerField(db_default=0)

    fingerprint = FingerprintField(max_length=255, db_default="")
    unique_key = models.CharField(max_length=255, null=True)
    unique_while = models.CharField(max_length=16, db_default="live")

    claim_token = models.UUIDField(null=True)
    worker_id = models.UUIDField(null=True)
    claimed_at = models.DateTimeField(null=True)
    attempted_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)

    expires_at = models.DateTimeField(null=True)
    timeout_seconds = models.FloatField(null=True)
    backoff = models.JSONField(null=True)
    concurrency_key = models.CharField(max_length=255, null=True)
    waits_for = models.BigIntegerField(null=True)

    result = models.JSONField(null=True)
    error = models.JSONField(null=True)
    progress = models.JSONField(null=True)
    checkpoints = models.JSONField(null=True)
    meta = models.JSONField(db_default=JSON_OBJECT)
    tags = models.JSONField(db_default=JSON_LIST)

    batch_id = models.BigIntegerField(null=True)
    template = models.CharField(max_length=128, null=True)
    schedule = models.CharField(max_length=128, null=True)
    slot = models.DateTimeField(null=True)
    requeued_from = models.BigIntegerField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.handler} #{self.pk}"


class FinalRecord(JobRecord):
    """A job that has ended; it keeps the id it had while it lived."""

    id = models.BigIntegerField(primary_key=True)
    finished_at = models.DateTimeField(db_default=Now())

    class Meta(JobRecord.Meta):
        abstract = True
