"""Numbers of queues that cost the same however long the backlog is."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import IntegerField, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from django_jobqueue.core.states import JobState
from django_jobqueue.jobs.site import site_store
from django_jobqueue.models import DeadJob, Job, QueueRecord

from .filters import NEWEST_ROWS

COUNT_LIMIT = 1_000
ROWLESS_SHOWN = 50


class BoundedCount(Subquery):
    """Counts rows, but no further than one past COUNT_LIMIT."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS bounded)"

    def __init__(self, rows: QuerySet[Any]) -> None:
        counted = rows.order_by().values("pk")[: COUNT_LIMIT + 1]
        super().__init__(counted, output_field=IntegerField())


def counts_of(queues: Iterable[QueueRecord], *, using: str) -> Iterator[tuple[int, int, int]]:
    """Return how many jobs of each queue are ready, running and dead, with one query."""
    # Each queue by its name: correlated, PostgreSQL would not know its share of the rows, and now
    # and then read the table for a queue that has few.
    counted = [_counted(queue.pk, using) for queue in queues]
    if not counted:
        return iter(())
    rows = counted[0].union(*counted[1:], all=True)
    found = {name: (ready, running, dead) for name, ready, running, dead in rows}
    return (found.get(queue.pk, (0, 0, 0)) for queue in queues)


def _counted(name: str, using: str) -> QuerySet[Any, Any]:
    jobs = Job.objects.using(using).filter(queue=name)
    dead = DeadJob.objects.using(using).filter(queue=name)
    return (
        QueueRecord.objects.using(using)
        .filter(pk=name)
        .values_list(
            "pk",
            BoundedCount(jobs.filter(state=_literal(JobState.READY))),
            BoundedCount(jobs.filter(state=_literal(JobState.RUNNING))),
            BoundedCount(dead),
        )
    )


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
