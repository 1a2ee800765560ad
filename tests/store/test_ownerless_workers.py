"""Workers that hold jobs and have no row: a reaper finds each of them, wherever its id lies."""

from uuid import UUID, uuid4

import pytest

from django_jobqueue.core.states import JobState
from django_jobqueue.store import store_for

from .helpers import make_job, register_worker, without_indexes

pytestmark = pytest.mark.django_db

LIVING = [UUID(int=10 * number) for number in range(1, 9)]


def running(worker_id: UUID) -> None:
    make_job(JobState.RUNNING, worker_id=worker_id)


def released() -> set[int]:
    return {one.worker_id.int for one in store_for("default").release_of_dead_workers()}


def test_between_those_that_live_none_is_passed_over() -> None:
    without_indexes()
    for living in LIVING:
        running(register_worker(worker_id=living))
    gone = [10 * number + more for number in range(9) for more in (7, 3)]
    for number in gone:
        running(UUID(int=number))

    assert released() == set(gone)


def test_one_that_runs_nothing_has_lost_nothing() -> None:
    running(register_worker(worker_id=LIVING[0]))
    for beside in (-1, 1):
        make_job(worker_id=UUID(int=LIVING[0].int + beside))

    assert released() == set()


def test_one_is_told_once_with_all_that_it_held() -> None:
    gone = uuid4()
    for _ in range(3):
        running(gone)

    [told] = store_for("default").release_of_dead_workers()

    assert (told.worker_id, len(told.job_ids)) == (gone, 3)
