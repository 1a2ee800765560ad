"""Limits of queues beside other queues: what an exchange locks, and what it leaves."""

from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from msgspec.structs import replace

from django_jobqueue.core.limits import Limit, Limits
from django_jobqueue.core.specs import WantedJobs
from django_jobqueue.models import Job
from django_jobqueue.store.base import JobStore

from .helpers import make_job, register_worker
from .test_claims_up_to_limits import LIMITS, exchange, ids, primed, store, worker
from .test_postgresql_races import Side, sides

__all__ = ["sides", "store", "worker"]  # fixtures

pytestmark = pytest.mark.postgresql


@pytest.mark.django_db(transaction=True)
def test_no_more_jobs_of_a_queue_are_looked_at_than_may_run_at_once(
    sides: tuple[Side, Side],
) -> None:
    mine, theirs = sides
    worker = register_worker()
    jobs = [make_job().pk for _ in range(5)]
    with mine.connection.transaction():
        mine.claim(worker, 5, limits=Limits(queues={"default": Limit(max_running=2)}))
        unlocked = theirs.connection.execute(
            "SELECT id FROM jobqueue_job ORDER BY id FOR UPDATE SKIP LOCKED"
        ).fetchall()

    assert [job_id for (job_id,) in unlocked] == jobs[2:]
    assert Job.objects.filter(state="running").count() == 2


@pytest.mark.django_db
def test_what_frees_permits_of_a_queue_alone_locks_no_limit(store: JobStore, worker: UUID) -> None:
    make_job(queue="narrow")
    [done] = exchange(store, worker, WantedJobs("narrow", 1))
    primed(store, worker)
    free = make_job(queue="free")
    wanted = [WantedJobs("free", 1), WantedJobs("narrow", 1)]

    with CaptureQueriesContext(connection) as queries:
        claimed = exchange(store, worker, *wanted, total=1, done=[done])

    assert ids(claimed) == [free.pk]
    assert not any("FROM jobqueue_limit" in query["sql"] for query in queries)


@pytest.mark.django_db
def test_permits_that_it_frees_are_not_left_idle(store: JobStore, worker: UUID) -> None:
    make_job(queue="narrow")
    [done] = exchange(store, worker, WantedJobs("narrow", 1))
    primed(store, worker)
    free, *narrow = make_job(queue="free"), *(make_job(queue="narrow") for _ in range(3))
    left: list[str] = []
    limits = replace(LIMITS, left_behind=left.extend)
    wanted = [WantedJobs("free", 4), WantedJobs("narrow", 4)]

    claimed = exchange(store, worker, *wanted, total=2, done=[done], limits=limits)

    assert (ids(claimed), left) == ([free.pk, narrow[0].pk], [])


@pytest.mark.django_db
def test_what_is_claimed_waits_for_no_look_at_queues_that_have_no_use_for_what_was_freed(
    store: JobStore, worker: UUID
) -> None:
    make_job(queue="narrow")
    [done] = exchange(store, worker, WantedJobs("narrow", 1))
    primed(store, worker)
    free = make_job(queue="free")
    left: list[str] = []
    limits = replace(LIMITS, left_behind=left.extend)

    claimed = exchange(store, worker, WantedJobs("free", 4), done=[done], limits=limits)

    assert (ids(claimed), left) == ([free.pk], ["free"])


@pytest.mark.django_db
def test_of_a_queue_no_more_is_claimed_in_two_steps_than_in_one(
    store: JobStore, worker: UUID
) -> None:
    make_job(queue="narrow")
    [done] = exchange(store, worker, WantedJobs("narrow", 1))
    primed(store, worker)
    first = make_job(queue="free")
    make_job(queue="free", handler="limited")
    narrow = make_job(queue="narrow")
    wanted = [WantedJobs("free", 1), WantedJobs("narrow", 4)]

    assert ids(exchange(store, worker, *wanted, done=[done])) == [first.pk, narrow.pk]


@pytest.mark.django_db
def test_who_was_blocked_for_what_ends_is_not_overtaken_because_a_queue_has_a_limit_too(
    store: JobStore, worker: UUID
) -> None:
    make_job(queue="narrow")
    _, blocked = (make_job(queue="free", concurrency_key="k").pk for _ in range(2))
    done = exchange(store, worker, WantedJobs("narrow", 1), WantedJobs("free", 2))
    assert len(done) == 2
    primed(store, worker)
    make_job(queue="free")

    assert ids(exchange(store, worker, WantedJobs("free", 1), total=1, done=done)) == [blocked]


@pytest.mark.django_db(transaction=True)
def test_what_was_claimed_is_told_though_the_look_at_the_rest_fails(
    sides: tuple[Side, Side],
) -> None:
    mine, theirs = sides
    worker = register_worker()
    make_job(queue="narrow")
    [done] = exchange(mine.store, worker, WantedJobs("narrow", 1))
    primed(mine.store, worker)
    free = make_job(queue="free")
    make_job(queue="narrow")
    left: list[str] = []
    limits = replace(LIMITS, left_behind=left.extend)
    wanted = [WantedJobs("free", 4), WantedJobs("narrow", 4)]
    mine.connection.execute("SET lock_timeout = '50ms'")
    with theirs.connection.transaction():
        theirs.connection.execute("SELECT FROM jobqueue_limit FOR UPDATE")

        claimed = exchange(mine.store, worker, *wanted, done=[done], limits=limits)

    assert (ids(claimed), left) == ([free.pk], ["free", "narrow"])


@pytest.mark.django_db
def test_who_goes_ahead_lets_others_work_meanwhile(store: JobStore, worker: UUID) -> None:
    primed(store, worker)
    make_job(queue="free")
    times: list[int] = []

    _, claimed = store.finish_and_claim(
        [],
        worker_id=worker,
        token=uuid4(),
        wanted=[WantedJobs("free", 1)],
        total=1,
        limits=LIMITS,
        meanwhile=lambda: times.append(1),
    )

    assert (len(claimed), len(times)) == (1, 1)
