"""Two workers at one limit: forced interleavings, and how much a claim within limits reads."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from django_jobqueue.core.limits import Limit, LimitKind, LimitName, Limits
from django_jobqueue.core.specs import (
    ClaimedJob,
    FinishedJob,
    Retention,
    Transition,
    WantedJobs,
)
from django_jobqueue.core.states import JobState
from django_jobqueue.models import Job, LimitRecord
from django_jobqueue.store import sql, store_for
from django_jobqueue.store.notifications import Notifications
from tests.worker.site import within

from .helpers import claim, make_job, register_worker
from .plans import Prepared, rows_read
from .test_postgresql_races import Side, sides, waits_for_a_lock

__all__ = ["sides"]

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

KEY = LimitName(LimitKind.KEY, "k")
PATIENCE = 10.0


def claim_of(side: Side, worker_id: UUID, limit: int = 10) -> list[Any]:
    return side.store.claim(
        worker_id=worker_id,
        token=uuid4(),
        wanted=[WantedJobs("default", limit)],
        total=limit,
        limits=Limits(),
    )


def plan_of(text: str, parameters: dict[str, object]) -> Any:
    with transaction.atomic():
        connection.ensure_connection()
        return Prepared(connection.connection, text).explain(parameters)


def test_who_steers_a_blocked_job_is_not_waited_for(sides: tuple[Side, Side]) -> None:
    mine, theirs = sides
    first, second = (make_job(concurrency_key="k").pk for _ in range(2))
    [job] = claim_of(mine, register_worker())
    assert job.id == first
    mine.store.finish_many([FinishedJob(job, Transition(state=JobState.SUCCEEDED))])
    mine.connection.execute("SET lock_timeout = '100ms'")
    with theirs.connection.transaction():
        theirs.connection.execute("SELECT FROM jobqueue_job WHERE id = %s FOR UPDATE", [second])
        assert mine.store.unblock().count == 0

    assert mine.store.unblock().count == 1


def test_an_exchange_that_frees_permits_is_on_its_way_meanwhile(sides: tuple[Side, Side]) -> None:
    mine, theirs = sides
    for _ in range(2):
        make_job(concurrency_key="k")
    worker = register_worker()
    [running] = claim_of(mine, worker, 1)
    theirs.connection.execute("BEGIN")
    theirs.connection.execute("SELECT FROM jobqueue_limit FOR UPDATE")

    def let_go() -> None:
        waits_for_a_lock(mine.pid)
        theirs.connection.execute("COMMIT")

    held, claimed = mine.store.finish_and_claim(
        [FinishedJob(running, Transition(state=JobState.SUCCEEDED))],
        worker_id=worker,
        token=uuid4(),
        wanted=[WantedJobs("default", 1)],
        total=1,
        limits=Limits(),
        meanwhile=let_go,
    )

    assert (held, len(claimed)) == ({running.id}, 1)


def test_two_claims_never_both_take_the_last_permit(sides: tuple[Side, Side]) -> None:
    mine, theirs = sides
    for _ in range(4):
        make_job(concurrency_key="k", key_limit=3)
    first, second = register_worker(), register_worker()
    claim_of(mine, first, 2)
    with ThreadPoolExecutor(1) as pool:
        with theirs.connection.transaction():
            assert len(claim_of(theirs, second, 1)) == 1
            waiting = pool.submit(claim_of, mine, first, 1)
            waits_for_a_lock(mine.pid)
        assert waiting.result() == []

    assert Job.objects.filter(state="running").count() == 3
    assert Job.objects.get(state="blocked").blocked_by == "key:k"


def test_two_first_claims_of_a_limit_make_one_row_for_it(sides: tuple[Side, Side]) -> None:
    mine, theirs = sides
    for _ in range(4):
        make_job(concurrency_key="k", key_limit=1)
    first, second = register_worker(), register_worker()
    with ThreadPoolExecutor(2) as pool:
        claims = [pool.submit(claim_of, mine, first, 1), pool.submit(claim_of, theirs, second, 1)]
        taken = [job for one in claims for job in one.result()]

    assert len(taken) == 1
    assert LimitRecord.objects.count() == 1


def test_a_job_that_is_blocked_by_what_has_just_ended_becomes_ready(
    sides: tuple[Side, Side],
) -> None:
    mine, theirs = sides
    for _ in range(2):
        make_job(concurrency_key="k")
    first, second = register_worker(), register_worker()
    [running] = claim_of(mine, first, 1)
    done = FinishedJob(running, Transition(state=JobState.SUCCEEDED))
    with ThreadPoolExecutor(1) as pool:
        with theirs.connection.transaction():
            assert claim_of(theirs, second, 1) == []  # blocked, and nobody can see it yet
            finishing = pool.submit(
                mine.store.finish_and_claim,
                [done],
                worker_id=first,
                token=uuid4(),
                wanted=[WantedJobs("default", 1)],
                total=1,
                limits=Limits(),
            )
            waits_for_a_lock(mine.pid)
        _, claimed = finishing.result()

    assert len(claimed) == 1


def exchange(side: Side, worker_id: UUID, done: ClaimedJob) -> list[ClaimedJob]:
    _, claimed = side.store.finish_and_claim(
        [FinishedJob(done, Transition(state=JobState.SUCCEEDED))],
        worker_id=worker_id,
        token=uuid4(),
        wanted=[WantedJobs("default", 1)],
        total=1,
        limits=Limits(),
    )
    return claimed


def test_a_permit_passes_from_one_job_to_the_next_in_one_transaction(
    sides: tuple[Side, Side],
) -> None:
    mine, _ = sides
    for _ in range(2):
        make_job(concurrency_key="k")
    worker = register_worker()
    [done] = claim_of(mine, worker)

    [claimed] = exchange(mine, worker, done)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT xmin::text FROM jobqueue_archivedjob WHERE id = %s "
            "UNION SELECT xmin::text FROM jobqueue_job WHERE id = %s",
            [done.id, claimed.id],
        )
        assert len(cursor.fetchall()) == 1


def test_what_ends_waits_for_who_declares_its_worker_dead_before_it_locks_its_jobs(
    sides: tuple[Side, Side],
) -> None:
    mine, theirs = sides
    make_job(concurrency_key="k")
    worker = register_worker()
    [done] = claim_of(mine, worker)
    with ThreadPoolExecutor(1) as pool:
        with theirs.connection.transaction():
            theirs.connection.execute(
                "SELECT FROM jobqueue_worker WHERE id = %s FOR UPDATE", [worker]
            )
            ending = pool.submit(exchange, mine, worker, done)
            waits_for_a_lock(mine.pid)
            # As a reaper does next; were the job locked by now, neither could go on.
            theirs.connection.execute(
                "SELECT FROM jobqueue_job WHERE id = %s FOR UPDATE NOWAIT", [done.id]
            )
        assert ending.result() == []

    assert not Job.objects.exists()


def test_workers_of_another_queue_are_woken_for_what_became_ready_there(
    sides: tuple[Side, Side],
) -> None:
    mine, _ = sides
    for _ in range(2):
        make_job(concurrency_key="k")
    worker, heard = register_worker(), Notifications.apart("default")
    [first] = claim_of(mine, worker)
    make_job(JobState.BLOCKED, queue="elsewhere", concurrency_key="k", blocked_by="key:k")
    try:
        heard.connect()
        heard.listen()
        [second] = exchange(mine, worker, first)
        assert exchange(mine, worker, second) == []
        queues: list[str] = []
        assert within(PATIENCE, lambda: bool(queues.extend(heard.take()[1]) or queues))
        assert queues == ["elsewhere"], "nobody is woken for what was claimed"
    finally:
        heard.close()


def test_a_claim_without_limits_is_one_statement(
    django_assert_num_queries: Any,
) -> None:
    store, worker = store_for("default"), register_worker()
    make_job()

    with django_assert_num_queries(1):
        assert len(claim(store, worker)) == 1


def backlog(columns: str, values: str) -> None:
    """Store 20,000 jobs; `values` are expressions of the row's `number`."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO jobqueue_job (handler, {columns}) "
            f"SELECT 'tests.handler', {values} FROM generate_series(1, 20000) AS number"
        )
        cursor.execute("VACUUM (FULL, ANALYZE) jobqueue_job")


def test_a_pick_reads_rows_in_proportion_to_what_it_asks_for() -> None:
    worker = register_worker()
    backlog("queue", "'default'")
    asked = {
        "worker_id": worker,
        "queues": "{default}",
        "limits": "{10}",
        "saturated": "{tests.other}",
        "total": 10,
        "now": None,
    }

    assert rows_read(plan_of(sql.pick("postgresql", suspects=False), asked)) <= 80


def test_unblocking_reads_no_more_than_it_readies() -> None:
    backlog("state, blocked_by", "'blocked', 'key:' || number % 2")
    asked = {"blocked_by": "key:1", "limit": 3}

    assert rows_read(plan_of(sql.load("postgresql", "unblock"), asked)) <= 30
    assert rows_read(plan_of(sql.load("postgresql", "blocking_limits"), {})) <= 12


def test_a_set_limit_is_read_under_the_lock(sides: tuple[Side, Side]) -> None:
    mine, _ = sides
    for _ in range(5):
        make_job(concurrency_key="k")
    store_for("default").set_limit(KEY, Limit(max_running=4))

    assert len(claim_of(mine, register_worker())) == 4


def test_a_limit_that_a_claim_holds_is_not_pruned(sides: tuple[Side, Side]) -> None:
    _, theirs = sides
    LimitRecord.objects.create(kind="key", name="k", max_running=1)
    retention = Retention(archive=timedelta(days=1), dead=timedelta(days=1))
    with theirs.connection.transaction():
        theirs.connection.execute("SELECT FROM jobqueue_limit FOR UPDATE")
        assert store_for("default").prune(retention).limits == 0

    assert store_for("default").prune(retention).limits == 1
