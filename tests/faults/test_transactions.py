"""Enqueues whose transaction ends in an unusual way."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from django_jobqueue.core.specs import Inserted, NewJob
from django_jobqueue.models import Job
from django_jobqueue.store import store_for
from tests.worker.site import COMMITTED, PATIENCE, Site

pytestmark = COMMITTED

PROBE = NewJob(handler="tests.handler", unique_key="key")


def elsewhere(pool: ThreadPoolExecutor, work: Callable[[], Inserted]) -> Callable[[], Inserted]:
    """Do it on another connection; call the answer to wait for it."""

    def run() -> Inserted:
        try:
            return work()
        finally:
            connection.close()

    future = pool.submit(run)
    return lambda: future.result(PATIENCE)


def test_a_callback_that_raises_after_the_commit_takes_no_job_back(site: Site) -> None:
    runs = site.counted("work")

    def fail() -> None:
        raise ValueError("after the commit")

    def enqueue() -> None:
        with transaction.atomic():
            transaction.on_commit(fail)
            site.declared["work"].enqueue()

    with pytest.raises(ValueError, match="after the commit"):
        enqueue()
    site.work()

    assert runs == ["work"]


@pytest.mark.postgresql
def test_a_job_that_is_committed_late_runs_although_younger_ones_have_run(site: Site) -> None:
    """Its place in line is before everything that was claimed meanwhile."""
    runs = site.counted("early")
    younger = site.counted("younger")
    inserted, may_commit = threading.Event(), threading.Event()

    def enqueue_slowly() -> Inserted:
        with transaction.atomic():
            answer = store_for("default").insert(NewJob(handler="early"))
            inserted.set()
            assert may_commit.wait(PATIENCE)
        return answer

    with ThreadPoolExecutor(1) as pool, site.working() as it:
        late = elsewhere(pool, enqueue_slowly)
        assert inserted.wait(PATIENCE)
        it.polls()
        for times in (1, 2):
            site.declared["younger"].enqueue()
            site.told.wait_for("job.succeeded", times=times)
        assert (runs, len(younger)) == ([], 2)

        may_commit.set()
        late()
        site.told.wait_for("job.succeeded", times=3)

    assert runs == ["early"]


def test_a_key_is_free_when_the_transaction_that_took_it_is_rolled_back() -> None:
    began = threading.Event()

    def enqueue() -> Inserted:
        began.set()
        return store_for("default").insert(PROBE)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first = store_for("default").insert(PROBE)
            second = elsewhere(pool, enqueue)
            assert began.wait(PATIENCE)
            if connection.vendor == "postgresql":
                _until_somebody_waits_for_a_lock()
            transaction.set_rollback(True)
        answer = second()

    assert (first.created, answer.created) == (True, True)
    assert [row.pk for row in Job.objects.all()] == [answer.id]


def _until_somebody_waits_for_a_lock() -> None:
    with connection.cursor() as cursor:
        for _ in range(20_000):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits")
