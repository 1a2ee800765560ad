"""How far a claim looks into a queue of which few jobs may run at once."""

from uuid import UUID

import pytest

from django_jobqueue.core.specs import WantedJobs
from django_jobqueue.store.base import JobStore

from .helpers import claim, make_job
from .test_limits import ids, keyed, of_queue, store, worker

__all__ = ["store", "worker"]  # fixtures

pytestmark = pytest.mark.django_db


def test_a_job_behind_very_many_that_are_refused_is_claimed(store: JobStore, worker: UUID) -> None:
    first, *_ = keyed(30)
    free = make_job()

    assert ids(claim(store, worker, total=100, limits=of_queue(max_running=2))) == [first, free.pk]


def test_a_claim_takes_no_more_than_it_asked_for_though_more_may_run(
    store: JobStore, worker: UUID
) -> None:
    for _ in range(5):
        make_job()
    one, limits = WantedJobs("default", 1), of_queue(max_running=2)

    counts = [len(claim(store, worker, one, total=5, limits=limits)) for _ in range(3)]

    assert counts == [1, 1, 0]
