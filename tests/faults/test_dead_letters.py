"""Dead letters that are wanted in two places at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from django_jobqueue.core.specs import JobFilter
from django_jobqueue.core.states import JobState
from django_jobqueue.models import DeadJob, Job
from django_jobqueue.store import store_for
from tests.store.helpers import make_job
from tests.worker.site import COMMITTED

pytestmark = COMMITTED

LETTERS, AT_ONCE = 100, 5


def test_a_discard_and_a_replay_side_by_side_leave_each_job_in_one_place_or_none() -> None:
    ids = [make_job(JobState.DEAD).pk for _ in range(LETTERS)]
    barrier = threading.Barrier(2, timeout=30)

    def some_at_a_time(act: Callable[[JobFilter], int]) -> list[int]:
        done = []
        try:
            for at in range(0, LETTERS, AT_ONCE):
                barrier.wait()  # both reach for the same letters at one moment
                done.append(act(JobFilter(ids=tuple(ids[at : at + AT_ONCE]))))
        finally:
            connection.close()
        return done

    def requeue(wanted: JobFilter) -> int:
        moved, refused = store_for("default").requeue(wanted)
        assert refused == []
        return len(moved)

    with ThreadPoolExecutor(2) as pool:
        replay = pool.submit(some_at_a_time, requeue)
        discard = pool.submit(some_at_a_time, store_for("default").discard_dead)
        moved, deleted = replay.result(60), discard.result(60)

    assert [sum(both) for both in zip(moved, deleted, strict=True)] == [AT_ONCE] * len(moved)
    assert not DeadJob.objects.exists()
    assert Job.objects.count() == sum(moved)
