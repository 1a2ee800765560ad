"""Who waits for a job while others steer it, interleavings forced; and what following reads."""

import psycopg
import pytest
from django.db import connection, transaction

from django_jobqueue.core.specs import FinishedJob, JobFilter, NewJob, Transition
from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob, Job
from django_jobqueue.store import sql, store_for

from .helpers import claim, register_worker
from .plans import Prepared, rows_read
from .test_postgresql_races import Side, sides

__all__ = ["sides"]

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

SUCCESS = Transition(state=JobState.SUCCEEDED)


def chained() -> list[int]:
    answers = store_for("default").insert_chain([NewJob(handler=name) for name in "abc"])
    return [one.id for one in answers]


def state_of(job_id: int) -> str | None:
    return Job.objects.filter(pk=job_id).values_list("state", flat=True).first()


def test_a_finish_does_not_wait_for_who_steers_the_next_and_the_sweep_makes_up_for_it(
    sides: tuple[Side, Side],
) -> None:
    mine, theirs = sides
    ids = chained()
    [job] = claim(mine.store, register_worker())
    with theirs.connection.transaction():
        theirs.connection.execute("SELECT FROM jobqueue_job WHERE id = %s FOR UPDATE", [ids[1]])
        assert mine.store.finish_many([FinishedJob(job, SUCCESS)]) == {ids[0]}
        assert state_of(ids[1]) == JobState.BLOCKED
        assert mine.store.sweep_waiting().followed == ()

    [followed] = mine.store.sweep_waiting().followed
    assert (followed.id, state_of(ids[1])) == (ids[1], JobState.READY)


def test_a_cancellation_passes_over_who_is_locked_further_on_and_the_sweep_takes_them(
    sides: tuple[Side, Side],
) -> None:
    mine, theirs = sides
    ids = chained()
    with theirs.connection.transaction():
        theirs.connection.execute("SELECT FROM jobqueue_job WHERE id = %s FOR UPDATE", [ids[2]])
        assert store_for("default").cancel(JobFilter(ids=(ids[0],))).cancelled == 2

    assert state_of(ids[2]) == JobState.BLOCKED
    mine.store.sweep_waiting()
    assert ArchivedJob.objects.filter(pk__in=ids, state=JobState.CANCELLED).count() == 3


def test_what_is_not_committed_lets_nobody_go_on(sides: tuple[Side, Side]) -> None:
    mine, theirs = sides
    ids = chained()
    [job] = claim(mine.store, register_worker())
    with theirs.connection.transaction() as whole:
        assert theirs.store.finish_many([FinishedJob(job, SUCCESS)]) == {ids[0]}
        assert mine.store.sweep_waiting().followed == ()
        raise psycopg.Rollback(whole)

    assert [state_of(one) for one in ids[:2]] == [JobState.RUNNING, JobState.BLOCKED]
    assert mine.store.finish_many([FinishedJob(job, SUCCESS)]) == {ids[0]}
    assert state_of(ids[1]) == JobState.READY


@pytest.mark.parametrize("state", ["succeeded", "cancelled"])
def test_following_reads_those_that_wait_and_no_others(state: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO jobqueue_archivedjob (id, state) "
            "SELECT n, %s FROM generate_series(1, 5000) AS n",
            [state],
        )
        cursor.execute(
            "INSERT INTO jobqueue_job (id, state, waits_for) "
            "SELECT n, 'blocked', n - 5000 FROM generate_series(5001, 10000) AS n"
        )
        cursor.execute("VACUUM (FULL, ANALYZE) jobqueue_job, jobqueue_archivedjob")
    with transaction.atomic():
        connection.ensure_connection()
        prepared = Prepared(connection.connection, sql.load("postgresql", "follow"))
        for n in range(1, 7):  # from then on the plan is made for all parameters
            prepared.execute({"ids": f"{{{n}}}", "now": None})
        plan = prepared.explain({"ids": "{7,8,9}", "now": None})

    assert rows_read(plan) <= 100
