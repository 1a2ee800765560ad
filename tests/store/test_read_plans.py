"""Numbers and retention read in proportion to what they tell, whatever the site keeps; and each
index is needed for that.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from django_jobqueue.core.snapshots import JobSnapshot
from django_jobqueue.core.specs import Retention
from django_jobqueue.models import Job, QueueRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore
from tests.history import FEW, ROWS, a_long_history, cost_of, without

pytestmark = pytest.mark.django_db

Read = Callable[[JobStore], object]


def stats(store: JobStore) -> object:
    return store.queue_stats("quiet")


def due_work(store: JobStore) -> object:
    """Of a queue that has none: every look finds nothing."""
    return store.has_due_work("quiet, and without any job")


def health(store: JobStore) -> object:
    # Counted no further than this: the other queue's backlog is long.
    return store.health(count_limit=100)


def line(store: JobStore) -> object:
    """Of a short line all, of a long one no more than this."""
    return [store.jobs_ahead(job_at(29), limit=50), store.jobs_ahead(job_at(ROWS - 1), limit=50)]


def blocked(store: JobStore) -> object:
    """What one limit blocked, among all that another did."""
    return store.jobs_ahead(job_at(28))


def running(store: JobStore) -> object:
    return store.running_jobs(queue="busy", handlers=["busy"], key="busy")


def workers_and_limits(store: JobStore) -> object:
    return store.workers(), store.limits(), store.pause_of("busy")


def names(store: JobStore) -> object:
    return store.queue_names()


def job_at(place: int) -> JobSnapshot:
    """The live job of that place in the history; the first 30 are quiet."""
    first = Job.objects.order_by("id").values_list("pk", flat=True)[0]
    job = store_for("default").find(first + place - 1)
    assert job is not None
    return job


def retention(store: JobStore) -> object:
    """Nothing is due: what is old belongs to a queue that keeps its records."""
    year = timedelta(days=365).total_seconds()
    QueueRecord.objects.create(
        name="busy", archive_retention_seconds=year, dead_retention_seconds=year
    )
    day = timedelta(days=1)
    return store.prune(Retention(archive=10 * day, dead=10 * day), dry_run=True)


@pytest.mark.parametrize(
    ("read", "indexes"),
    [
        (
            stats,
            [
                "jobqueue_job_ready",
                "jobqueue_job_scheduled_queue",
                "jobqueue_job_blocked_queue",
            ],
        ),
        (
            due_work,
            [
                "jobqueue_job_ready",
                "jobqueue_job_blocked_queue",
            ],
        ),
        (health, ["jobqueue_job_ready"]),
        (line, ["jobqueue_job_ready"]),
        (blocked, ["jobqueue_job_blocked_by"]),
        (running, ["jobqueue_job_running"]),
        (workers_and_limits, []),
        (
            names,
            [
                "jobqueue_job_ready",
                "jobqueue_job_scheduled_queue",
                "jobqueue_job_blocked_queue",
                "jobqueue_archive_queue",
                "jobqueue_dead_queue",
            ],
        ),
        (retention, ["jobqueue_archive_queue", "jobqueue_dead_queue"]),
    ],
)
def test_a_read_looks_at_few_rows_and_would_at_all_without_its_index(
    read: Read, indexes: list[str]
) -> None:
    few, store = FEW[connection.vendor], store_for("default")
    a_long_history()

    assert cost_of(lambda: read(store)) <= few
    for index in indexes:
        with without(index):
            assert cost_of(lambda: read(store)) > few, index
