"""Enqueues side by side, forced: what must wait waits, and nobody waits for ever."""

from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import pytest
from django.db import connection as django_connection

from django_jobqueue.core.specs import Inserted, NewJob
from django_jobqueue.models import Job
from django_jobqueue.store import store_for

from .test_postgresql_races import PATIENCE, Side, sides, waits_for_a_lock

__all__ = ["sides"]

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("on_conflict", ["skip", "replace"])
def test_bulk_enqueues_of_the_same_keys_in_opposite_order_do_not_deadlock(
    sides: tuple[Side, Side], on_conflict: str
) -> None:
    """A third transaction holds one of the keys until both are amid their inserts."""
    third, keys = sides[1], ["a", "m", "z"]

    def enqueue(order: list[str], pids: SimpleQueue[int]) -> list[Inserted]:
        try:
            with django_connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                pids.put(cursor.fetchone()[0])
            jobs = [NewJob(handler="h", unique_key=key, on_conflict=on_conflict) for key in order]
            return store_for("default").insert_many(jobs)
        finally:
            django_connection.close()

    pids: SimpleQueue[int] = SimpleQueue()
    with ThreadPoolExecutor(2) as pool:
        with third.connection.transaction(force_rollback=True):
            third.connection.execute("INSERT INTO jobqueue_job (unique_key) VALUES ('m')")
            forth = pool.submit(enqueue, keys, pids)
            waits_for_a_lock(pids.get(timeout=PATIENCE))
            back = pool.submit(enqueue, keys[::-1], pids)
            waits_for_a_lock(pids.get(timeout=PATIENCE))
        answers = [*forth.result(PATIENCE), *back.result(PATIENCE)]

    assert sorted(answer.created for answer in answers) == [False] * 3 + [True] * 3
    assert Job.objects.count() == 3
