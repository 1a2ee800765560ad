"""Who waits is told by the lookout of the process: one thread and one connection for all."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections

from django_jobqueue import JobState
from django_jobqueue.core.specs import FinishedJob
from django_jobqueue.jobs import lookout as lookout_module
from django_jobqueue.jobs.lookout import Lookout, Wait
from django_jobqueue.models import WaiterRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore
from django_jobqueue.store.sessions import PsycopgSession
from tests.handlers import add

from .finishing import RETRIED, SUCCEEDED, claim_next, finish_next
from .waits import PATIENCE, beside, lookout_threads, until

pytestmark = pytest.mark.django_db(transaction=True)


def interrupted(store: JobStore, verb: str, before: Callable[[], object]) -> JobStore:
    """The store, which lets something happen before each call of one verb."""
    real: Any = getattr(store, verb)

    def then(*args: Any, **kwargs: Any) -> Any:
        before()
        return real(*args, **kwargs)

    setattr(store, verb, then)
    return store


@pytest.fixture
def apart() -> JobStore:
    """A store that no other test sees, on a connection that the lookout will close."""
    store = store_for("default")
    return store.dedicated(prepared=False, overtime=store.overtime + timedelta(seconds=1))


@pytest.fixture
def slow_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first look at a job there is no other: who is not told waits for ever."""
    monkeypatch.setattr(lookout_module, "FIRST_PAUSE", 1_000.0)
    monkeypatch.setattr(lookout_module, "LONGEST_PAUSE", 1_000.0)


@pytest.fixture(autouse=True)
def lookouts_at_rest() -> Iterator[None]:
    yield
    until(lambda: not lookout_threads())


def waited(wait: Wait, lookout: Lookout) -> bool:
    """Whether the wait came to its end; the lookout is left."""
    try:
        return wait.over.wait(PATIENCE)
    finally:
        lookout.forget(wait)
        lookout.join_if_over()


def first_look_at(wait: Wait) -> None:
    until(lambda: wait.look_at)


@pytest.mark.usefixtures("slow_looks")
class TestBeingTold:
    def test_a_job_that_finishes_before_its_waiter_row_is_seen_by_the_look_after_it(self, apart):
        handle = add.enqueue(1)
        store = interrupted(apart, "keep_waiters", lambda: finish_next(SUCCEEDED))

        wait = Wait(handle.id, attempts=None)

        assert waited(wait, Lookout(wait, store=store))

    def test_a_job_that_finishes_between_its_waiter_row_and_the_look_is_seen_too(self, apart):
        handle = add.enqueue(1)
        store = interrupted(apart, "attempts_over", lambda: finish_next(SUCCEEDED))

        wait = Wait(handle.id, attempts=None)

        assert waited(wait, Lookout(wait, store=store))

    def test_a_job_that_finishes_after_the_look_is_told(self, apart):
        handle = add.enqueue(1)
        wait = Wait(handle.id, attempts=None)
        lookout = Lookout(wait, store=apart)
        first_look_at(wait)

        finish_next(SUCCEEDED)

        assert waited(wait, lookout)

    def test_an_attempt_that_is_over_is_enough_for_who_asked_for_that(self, apart):
        handle = add.enqueue(1)
        finished, attempted = (Wait(handle.id, attempts=wanted) for wanted in (None, 1))
        lookout = Lookout(finished, store=apart)
        assert lookout.add(attempted)
        first_look_at(finished)
        first_look_at(attempted)

        finish_next(RETRIED)

        assert attempted.over.wait(PATIENCE)
        assert not finished.over.has_come
        lookout.forget(attempted)
        lookout.forget(finished)

    def test_of_two_waits_for_one_job_both_are_told(self, apart):
        handle = add.enqueue(1)
        waits = [Wait(handle.id, attempts=None) for _ in range(2)]
        lookout = Lookout(waits[0], store=apart)
        assert lookout.add(waits[1])
        for wait in waits:
            first_look_at(wait)

        finish_next(SUCCEEDED)

        assert all(waited(wait, lookout) for wait in waits)


class TestLooking:
    @pytest.mark.postgresql
    def test_a_finish_that_was_under_way_when_its_waiter_row_came_is_seen_at_a_later_look(
        self, apart
    ):
        handle = add.enqueue(1)
        session = PsycopgSession("default")
        theirs = type(store_for("default"))("default", session=session)
        claimed = claim_next()
        wait = Wait(handle.id, attempts=None)
        with session.atomic():
            # Its statement has seen no waiter row, and will tell nobody.
            assert theirs.finish_many([FinishedJob(claimed, SUCCEEDED)])
            lookout = Lookout(wait, store=apart)
            first_look_at(wait)
            assert not wait.over.has_come

        assert waited(wait, lookout)
        session.close()

    def test_after_an_error_who_waits_looks_for_itself(self, apart, caplog, monkeypatch):
        monkeypatch.setattr(lookout_module, "RETRY_SECONDS", 0.01)

        def refuse() -> None:
            raise connection.Database.OperationalError("gone")

        wait = Wait(add.enqueue(1).id, attempts=None)
        with caplog.at_level(logging.ERROR, "django_jobqueue.waiting"):
            lookout = Lookout(wait, store=interrupted(apart, "attempts_over", refuse))

            assert waited(wait, lookout)
        assert [record.message for record in caplog.records] == [
            "an error ends the lookout: who still waits begins another"
        ]
        assert not lookout.add(wait)

    @pytest.mark.postgresql
    def test_a_lost_connection_is_replaced_by_another(self, monkeypatch, caplog):
        monkeypatch.setattr(lookout_module, "RETRY_SECONDS", 0.01)
        handle = add.enqueue(1)

        with beside(lambda: handle.wait(PATIENCE)) as [wait]:
            until(WaiterRecord.objects.exists)
            [first] = WaiterRecord.objects.values_list("waiter", flat=True)
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'django_jobqueue' AND datname = current_database()"
                )
                assert cursor.fetchall() == [(True,)]
            until(WaiterRecord.objects.exclude(waiter=first).exists)
            finish_next(SUCCEEDED)

            assert wait.result(PATIENCE).state == JobState.SUCCEEDED
        assert "an error ends the lookout" in caplog.text

    def test_waits_that_last_are_looked_at_together(self):
        waits = [Wait(number, attempts=None) for number in range(3)]
        for _ in range(6):  # by then, their pauses are the longest
            for wait in waits:
                wait.hear(0)

        assert {wait.look_at % lookout_module.LONGEST_PAUSE for wait in waits} == {0.0}


class TestItsLife:
    def test_its_thread_and_its_connection_end_with_the_last_wait(self, apart):
        waits = [Wait(add.enqueue(number).id, attempts=None) for number in range(2)]
        lookout = Lookout(waits[0], store=apart)
        assert lookout.add(waits[1])
        lookout.forget(waits[0])
        lookout.join_if_over()
        assert lookout_threads()

        lookout.forget(waits[1])
        lookout.join_if_over()

        assert not lookout_threads()
        assert not lookout.add(waits[1])

    @pytest.mark.postgresql
    def test_there_are_waiter_rows_for_what_is_waited_for_and_nothing_else(self, apart):
        ids = [add.enqueue(number).id for number in range(3)]
        waits = [Wait(job_id, attempts=None) for job_id in ids]
        lookout = Lookout(waits[0], store=apart)
        for wait in waits[1:]:
            assert lookout.add(wait)
        until(lambda: WaiterRecord.objects.count() == 3)

        lookout.forget(waits[0])
        until(lambda: WaiterRecord.objects.count() == 2)
        finish_next(SUCCEEDED)  # the first, for which nobody waits any more
        finish_next(SUCCEEDED)
        until(lambda: WaiterRecord.objects.count() == 1)

        assert [row.job_id for row in WaiterRecord.objects.all()] == ids[2:]
        lookout.forget(waits[2])
        until(lambda: not WaiterRecord.objects.exists())

    @pytest.mark.postgresql
    def test_the_rows_of_a_long_wait_are_renewed(self, apart, monkeypatch):
        monkeypatch.setattr(lookout_module, "LEASE", timedelta(seconds=0.03))
        wait = Wait(add.enqueue(1).id, attempts=None)
        lookout = Lookout(wait, store=apart)
        until(lambda: WaiterRecord.objects.exists())
        [first] = WaiterRecord.objects.values_list("lease_expires_at", flat=True)

        until(lambda: WaiterRecord.objects.get().lease_expires_at > first)

        lookout.forget(wait)

    def test_all_who_wait_share_one(self):
        handles = [add.enqueue(number) for number in range(4)]

        with beside(*(lambda handle=handle: handle.wait(PATIENCE) for handle in handles)) as waits:
            until(lookout_threads)
            assert len(lookout_threads()) == 1
            for _ in handles:
                finish_next(SUCCEEDED)
            assert {wait.result(PATIENCE).state for wait in waits} == {JobState.SUCCEEDED}

    @pytest.mark.postgresql
    def test_all_who_wait_share_one_connection(self):
        handles = [add.enqueue(number) for number in range(4)]

        with beside(*(lambda handle=handle: handle.wait(PATIENCE) for handle in handles)) as waits:
            until(lambda: WaiterRecord.objects.count() == len(handles))
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE application_name = 'django_jobqueue' AND datname = current_database()"
                )
                assert cursor.fetchone() == (1,)
            for _ in handles:
                finish_next(SUCCEEDED)
            for wait in waits:
                wait.result(PATIENCE)

    def test_when_a_wait_returns_nothing_of_it_is_left(self):
        handle = add.enqueue(1)

        with pytest.raises(TimeoutError):
            handle.wait(0.1)

        assert not lookout_threads()
        assert not WaiterRecord.objects.exists()
        assert connections.all(initialized_only=True) == [connection]
