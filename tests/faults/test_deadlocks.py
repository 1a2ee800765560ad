"""Claims, finishes, reapers and upserts under the same keys, as fast as they can."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

from django_jobqueue.core.specs import NewJob, WantedJobs
from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob, Job
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore
from tests.store.helpers import claim, finish, register_worker
from tests.worker.site import COMMITTED

pytestmark = [COMMITTED, pytest.mark.postgresql]

ROUNDS, JOBS, KEYS = 25, 100, 10


def keyed(turn: int) -> list[NewJob]:
    """The same keys for all who upsert in this turn, and new ones in the next."""
    return [NewJob(handler="h", unique_key=f"key {turn} {number}") for number in range(KEYS)]


def work(store: JobStore, turn: int) -> None:
    for job in claim(store, register_worker(store), total=20):
        finish(store, job, JobState.READY)


def die(store: JobStore, turn: int) -> None:
    claim(store, register_worker(store, lease=timedelta(seconds=-1)), total=5)
    store.release_of_dead_workers()


def claim_and_leave(store: JobStore, turn: int) -> None:
    worker = register_worker(store)
    wanted = [WantedJobs("default", 20)]
    store.finish_and_claim([], worker_id=worker, token=uuid4(), wanted=wanted, total=20)
    store.deregister_worker(worker)


def upsert(store: JobStore, turn: int) -> None:
    store.insert_many(keyed(turn))


def upsert_backwards(store: JobStore, turn: int) -> None:
    store.insert_many(keyed(turn)[::-1])


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def test_bulk_writers_of_the_same_rows_never_deadlock() -> None:
    works = [work, die, claim_and_leave, upsert, upsert_backwards] * 2
    together = threading.Barrier(len(works), timeout=30)

    def play(one: Callable[[JobStore, int], None]) -> None:
        try:
            together.wait()
            for turn in range(ROUNDS):
                one(store_for("default"), turn)
        finally:
            connection.close()

    store_for("default").insert_many([NewJob(handler="h")] * JOBS)
    before = deadlocks()
    with ThreadPoolExecutor(len(works)) as pool:
        for played in [pool.submit(play, one) for one in works]:
            played.result(60)

    assert deadlocks() == before
    assert not ArchivedJob.objects.exists()
    assert Job.objects.count() == JOBS + KEYS * ROUNDS
