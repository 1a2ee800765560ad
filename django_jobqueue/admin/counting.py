"""Numbers of queues that cost the same however long the backlog is."""

from typing import Any

from django.db.models import IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from django_jobqueue.core.states import JobState
from django_jobqueue.jobs.site import site_store
from django_jobqueue.models import DeadJob, Job, QueueRecord

from .filters import NEWEST_ROWS

COUNT_LIMIT = 1_000
ROWLESS_SHOWN = 50


class BoundedCount(Subquery):
    """Counts the rows of a correlated query, but no further than one past COUNT_LIMIT."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS bounded)"
    output_field = IntegerField()

    def __init__(self, rows: QuerySet[Any]) -> None:
        super().__init__(rows.order_by().values("pk")[: COUNT_LIMIT + 1])


def with_counts(queues: QuerySet[Any], *, using: str) -> QuerySet[Any]:
    """Add ready_count, running_count and dead_count to queue rows; each has an index that leads to
    its rows alone.
    """
    jobs = Job.objects.using(using).filter(queue=OuterRef("name"))
    dead = DeadJob.objects.using(using).filter(queue=OuterRef("name"))
    counted: QuerySet[Any] = queues.annotate(
        ready_count=BoundedCount(jobs.filter(state=_literal(JobState.READY))),
        running_count=BoundedCount(jobs.filter(state=_literal(JobState.RUNNING))),
        dead_count=BoundedCount(dead),
    )
    return counted


def _literal(state: JobState) -> RawSQL:
    # With a parameter SQLite does not see that a partial index fits.
    return RawSQL(f"'{state.value}'", [])  # noqa: S611 - a word of ours


def bounded(count: int) -> str:
    return str(count) if count <= COUNT_LIMIT else f"{COUNT_LIMIT}+"


def queues_without_a_row(*, using: str) -> list[str]:
    """Return names of queues with ready jobs, read one index entry each, and those of the newest
    jobs in any state.
    """
    newest = Job.objects.using(using).order_by("-pk").values_list("queue", flat=True)
    names = {*site_store().queues_with_ready_jobs(), *newest[:NEWEST_ROWS]}
    rows = QueueRecord.objects.using(using).filter(pk__in=names)
    return sorted(names.difference(rows.values_list("pk", flat=True)))[:ROWLESS_SHOWN]
