"""Numbers and retention read in proportion to what they tell, whatever the site keeps; and each
index is needed for that.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from django_jobqueue.core.specs import Retention
from django_jobqueue.models import QueueRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore
from tests.history import FEW, a_long_history, cost_of, without

pytestmark = pytest.mark.django_db

Read = Callable[[JobStore], object]


def stats(store: JobStore) -> object:
    return store.queue_stats("quiet")


def health(store: JobStore) -> object:
    # Counted no further than this: the other queue's backlog is long.
    return store.health(count_limit=100)


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
        (health, ["jobqueue_job_ready"]),
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
