from django.db import models
from django.db.models.functions import Now


class LineRecord(models.Model):
    """Who holds a cluster-wide line, and until when; a line that nobody holds has no row.

    A lapsed row is free: the next caller takes it over.
    """

    name = models.CharField(max_length=255, primary_key=True)
    token = models.UUIDField(unique=True)
    holder = models.CharField(max_length=255, db_default="")
    acquired_at = models.DateTimeField(db_default=Now())
    lease_expires_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "jobqueue_line"
        verbose_name = "line"

    def __str__(self) -> str:
        return self.name
