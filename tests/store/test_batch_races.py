"""The end of a batch and those who come between, interleavings forced; and what its end reads."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from django_jobqueue.core.batches import NewBatch
from django_jobqueue.core.specs import ClaimedJob, FinishedJob, JobFilter, NewJob, Transition
from django_jobqueue.core.states import JobState
from django_jobqueue.models import BatchRecord, Job
from django_jobqueue.store import sql, store_for

from .chains import DEAD
from .helpers import claim, make_job, register_worker
from .plans import Prepared, rows_read
from .test_postgresql_races import Side, sides, waits_for_a_lock

__all__ = ["sides"]

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

HOLD = "SELECT FROM jobqueue_batch WHERE id = %s FOR KEY SHARE"
SUCCESS = Transition(state=JobState.SUCCEEDED)


def batch_of(count: int) -> tuple[int, list[ClaimedJob]]:
    """A batch whose members run."""
    new = NewBatch(on_finish=NewJob(handler="on_finish", queue="ends"))
    store = store_for("default")
    batch_id, _ = store.insert_batch(new, [[NewJob(handler="member")]] * count)
    return batch_id, claim(store, register_worker())


def finish(side: Side, job: ClaimedJob, transition: Transition = SUCCESS) -> None:
    assert side.store.finish_many([FinishedJob(job, transition)]) == {job.id}


def ends() -> int:
    return Job.objects.filter(queue="ends").count()


def has_finished(batch_id: int) -> bool:
    return BatchRecord.objects.get(pk=batch_id).finished_at is not None


def test_two_workers_that_finish_the_last_two_members_at_once_bring_about_one_end(
    sides: tuple[Side, Side],
) -> None:
    mine, theirs = sides
    batch_id, (first, second) = batch_of(2)
    with ThreadPoolExecutor(1) as pool:
        with theirs.connection.transaction():
            finish(theirs, second)
            waiting = pool.submit(finish, mine, first)
            waits_for_a_lock(mine.pid)
            assert ends() == 0
        waiting.result()

    assert (has_finished(batch_id), ends()) == (True, 1)


@pytest.mark.parametrize("others", [0, 1])
def test_where_an_end_cannot_be_written_nothing_that_came_with_it_is(
    sides: tuple[Side, Side], others: int
) -> None:
    mine, theirs = sides
    for _ in range(others):
        make_job()
    batch_id, jobs = batch_of(1)
    mine.connection.execute("SET lock_timeout = '100ms'")
    with theirs.connection.transaction():
        theirs.connection.execute("SELECT FROM jobqueue_batch WHERE id = %s FOR UPDATE", [batch_id])
        with pytest.raises(psycopg.errors.LockNotAvailable):
            mine.store.finish_many([FinishedJob(job, SUCCESS) for job in jobs])

    assert Job.objects.filter(state="running").count() == len(jobs) == others + 1


def test_a_finish_does_not_wait_for_who_adds_and_the_member_that_was_added_brings_the_end(
    sides: tuple[Side, Side],
) -> None:
    mine, _ = sides
    batch_id, (job,) = batch_of(1)
    with transaction.atomic():
        store_for("default").insert_members(batch_id, [[NewJob(handler="added")]])
        finish(mine, job)
    assert not has_finished(batch_id)

    [added] = claim(mine.store, register_worker())
    finish(mine, added)
    assert (has_finished(batch_id), ends()) == (True, 1)


def test_an_addition_does_not_wait_for_a_finish_that_ends_nothing(
    sides: tuple[Side, Side],
) -> None:
    mine, theirs = sides
    batch_id, (job, _) = batch_of(2)
    with theirs.connection.transaction():
        finish(theirs, job)
        mine.connection.execute(f"{HOLD} NOWAIT", [batch_id])

    assert not has_finished(batch_id)


def test_an_addition_that_is_rolled_back_leaves_the_end_to_the_sweep(
    sides: tuple[Side, Side],
) -> None:
    mine, theirs = sides
    batch_id, (job,) = batch_of(1)
    with theirs.connection.transaction() as whole:
        theirs.connection.execute(HOLD, [batch_id])
        finish(mine, job)
        assert mine.store.sweep_batches().queues == ()
        raise psycopg.Rollback(whole)
    assert not has_finished(batch_id)

    assert mine.store.sweep_batches().queues == ("ends",)
    assert (has_finished(batch_id), ends()) == (True, 1)


def test_a_member_that_was_committed_after_the_first_look_is_seen(
    sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = sides
    batch_id, (job,) = batch_of(1)
    run = mine.store.run

    def run_late(name: str, parameters: Mapping[str, object]) -> Any:
        if name == "batch_facts":
            theirs.connection.execute(
                "INSERT INTO jobqueue_job (handler, batch_id) VALUES ('late', %s)", [batch_id]
            )
        return run(name, parameters)

    monkeypatch.setattr(mine.store, "run", run_late)
    finish(mine, job)

    assert (has_finished(batch_id), ends()) == (False, 0)


def test_an_addition_waits_for_an_end_that_is_on_its_way_and_is_refused(
    sides: tuple[Side, Side],
) -> None:
    mine, theirs = sides
    batch_id, (job,) = batch_of(1)
    with ThreadPoolExecutor(1) as pool:
        with theirs.connection.transaction():
            finish(theirs, job)
            waiting = pool.submit(mine.connection.execute, HOLD, [batch_id])
            waits_for_a_lock(mine.pid)
        waiting.result()

    assert has_finished(batch_id)


def test_a_requeue_that_is_under_way_keeps_the_batch_open(sides: tuple[Side, Side]) -> None:
    mine, _ = sides
    batch_id, (first, second) = batch_of(2)
    finish(mine, first, Transition(**DEAD))
    with transaction.atomic():
        store_for("default").requeue(JobFilter(ids=(first.id,)))
        finish(mine, second)

    assert (has_finished(batch_id), ends()) == (False, 0)


def test_an_end_that_is_not_committed_is_none(sides: tuple[Side, Side]) -> None:
    mine, theirs = sides
    batch_id, (job,) = batch_of(1)
    with theirs.connection.transaction() as whole:
        finish(theirs, job)
        raise psycopg.Rollback(whole)

    assert (has_finished(batch_id), ends()) == (False, 0)
    finish(mine, job)
    assert (has_finished(batch_id), ends()) == (True, 1)


def test_a_finish_reads_few_of_many_members(sides: tuple[Side, Side]) -> None:
    batch_id, _ = batch_of(0)
    BatchRecord.objects.update(finished_at=None)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO jobqueue_job (state, batch_id) "
            "SELECT 'blocked', %s FROM generate_series(1, 10000)",
            [batch_id],
        )
        cursor.execute("VACUUM (FULL, ANALYZE) jobqueue_job, jobqueue_batch")
    with transaction.atomic():
        connection.ensure_connection()
        prepared = Prepared(connection.connection, sql.load("postgresql", "ended_batches"))
        asked = {"ids": f"[{batch_id}]"}
        for _ in range(6):  # from then on the plan is made for all parameters
            prepared.execute(asked)
        plan = prepared.explain(asked)

    assert rows_read(plan) <= 40
