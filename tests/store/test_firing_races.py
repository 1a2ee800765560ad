"""Several schedulers at one time: a slot gives one job."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections, transaction

from django_jobqueue.core.cron import every
from django_jobqueue.core.schedules import Fired, Missed
from django_jobqueue.models import Job, Schedule, ScheduleSlot
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore
from tests.locks import table_locked

from .schedules import MINUTE, NOON, fire, save, slots_of_jobs

pytestmark = pytest.mark.django_db(transaction=True)

SCHEDULERS, PATIENCE = 5, 30


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


class Schedulers:
    """Five threads that fire at one moment."""

    def __init__(self, store: JobStore) -> None:
        self._store, self._barrier = store, threading.Barrier(SCHEDULERS, timeout=PATIENCE)

    def fire(self, *, minutes: float) -> list[Fired]:
        with ThreadPoolExecutor(SCHEDULERS) as pool:
            found = [pool.submit(self._fire, minutes) for _ in range(SCHEDULERS)]
            return [one.result(timeout=PATIENCE) for one in found]

    def _fire(self, minutes: float) -> Fired:
        try:
            self._barrier.wait()
            return fire(self._store, minutes=minutes)
        finally:
            connections.close_all()


def test_five_schedulers_give_each_slot_one_job(store: JobStore) -> None:
    for name in ("a", "b", "c"):
        save(store, name, missed=Missed.ALL, rule=every(MINUTE))
    schedulers = Schedulers(store)

    fired = [one for minutes in range(20) for one in schedulers.fire(minutes=minutes)]
    fire(store, minutes=19)

    assert slots_of_jobs() == [minute for minute in range(20) for _ in range(3)]
    told = [slot.job_id for one in fired for slot in one.slots]
    assert len(told) == len(set(told))


def test_five_workers_that_start_side_by_side_declare_a_schedule_once(store: JobStore) -> None:
    barrier = threading.Barrier(SCHEDULERS, timeout=PATIENCE)

    def declare() -> bool:
        try:
            barrier.wait()
            save(store)
            return True
        finally:
            connections.close_all()

    with ThreadPoolExecutor(SCHEDULERS) as pool:
        assert all(list(pool.map(lambda _: declare(), range(SCHEDULERS))))
    assert Schedule.objects.count() == 1


@pytest.mark.postgresql
def test_a_schedule_in_the_hands_of_another_is_passed_over(store: JobStore) -> None:
    save(store, "held")
    save(store, "free")
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Schedule.objects.select_for_update().get(name="held")
                locked.set()
                assert done.wait(PATIENCE)
        finally:
            connections.close_all()

    other = threading.Thread(target=hold)
    other.start()
    try:
        assert locked.wait(PATIENCE)
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '5s'")  # to wait is to fail
        fired = fire(store, minutes=0)
    finally:
        done.set()
        other.join()
        connection.close()

    assert [one.schedule for one in fired.slots] == ["free"]
    assert fired.next_slot_seconds == timedelta(minutes=5).total_seconds()
    assert Job.objects.filter(schedule="held").count() == 0


@pytest.mark.postgresql
def test_a_database_that_is_busy_disables_nothing(store: JobStore) -> None:
    save(store)
    with table_locked("jobqueue_job"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = 20")
        with pytest.raises(OperationalError, match="lock timeout"):
            fire(store, minutes=0)

    assert store.find_schedule("nightly").disabled_at is None
    assert len(fire(store, minutes=0).slots) == 1


def test_a_job_whose_slot_cannot_be_written_is_not_there_either(store: JobStore) -> None:
    save(store)
    ScheduleSlot.objects.create(schedule=Schedule.objects.get(), slot=NOON)

    fired = fire(store, minutes=0)

    assert (fired.slots, slots_of_jobs()) == ((), [])
    assert [name for name, _ in fired.disabled] == ["nightly"]
