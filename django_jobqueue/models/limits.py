from django.db import models
from django.db.models import Q


class LimitRecord(models.Model):
    """The limit of one queue, handler or concurrency key across workers: whoever gives its permits
    locks this row.

    It shows what holds: what the code declares, or, with `set_at`, what an operator has set.
    `next_at` is when the next start is due under its rate.
    """

    kind = models.CharField(max_length=16)
    name = models.CharField(max_length=255)
    max_running = models.IntegerField(null=True, blank=True)
    rate = models.CharField(max_length=32, null=True, blank=True)
    rate_burst = models.IntegerField(db_default=1)
    set_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "jobqueue_limit"
        verbose_name = "limit"
        constraints = [
            models.UniqueConstraint(fields=["kind", "name"], name="jobqueue_limit_name"),
            models.CheckConstraint(
                condition=Q(kind__in=["queue", "handler", "key"]), name="jobqueue_limit_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"
