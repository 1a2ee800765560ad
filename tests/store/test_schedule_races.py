"""Two who change one schedule: the later waits for the earlier, and acts on what that has left."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from django.db import connection, connections, transaction

from django_jobqueue.core.schedule_errors import InvalidSchedule, ScheduleNotFound, TemplateNotFound
from django_jobqueue.core.schedules import Source, StoredTemplate
from django_jobqueue.core.specs import NewJob
from django_jobqueue.models import Schedule
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .schedules import NOON, a_schedule, save

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

PATIENCE = 30
REPORT = StoredTemplate(name="report", handler="shop.report", payload="{}")

T = TypeVar("T")


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def other_thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool
        pool.submit(connections.close_all).result(PATIENCE)


def after(change: Callable[[], object], pool: ThreadPoolExecutor, ask: Callable[[], T]) -> T:
    """Ask in another thread while the change is not committed yet; return the answer."""
    with transaction.atomic():
        change()
        asked = pool.submit(ask)
        _until_somebody_waits()
    return asked.result(PATIENCE)


def _until_somebody_waits() -> None:
    with connection.cursor() as cursor:
        for _ in range(20_000):
            cursor.execute(
                "SELECT 1 FROM pg_locks "
                "WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone():
                return
    raise AssertionError("nobody waits")


def change(**columns: object) -> Callable[[], object]:
    return lambda: Schedule.objects.filter(name="nightly").update(**columns)


def test_of_two_that_save_a_new_schedule_the_later_changes_it(store, other_thread) -> None:
    changed = after(
        lambda: save(store),
        other_thread,
        lambda: store.save_schedule(a_schedule(missed_cap=7), now=NOON),
    )

    assert changed is True
    assert store.find_schedule("nightly").terms.missed_cap == 7


def test_what_is_paused_meanwhile_is_resumed(store, other_thread) -> None:
    save(store)

    assert after(
        lambda: store.pause_schedule("nightly"),
        other_thread,
        lambda: store.resume_schedule("nightly"),
    )
    assert store.find_schedule("nightly").paused_at is None


def test_what_is_deleted_meanwhile_cannot_be_paused(store, other_thread) -> None:
    save(store)

    with pytest.raises(ScheduleNotFound):
        after(
            lambda: store.delete_schedule("nightly"),
            other_thread,
            lambda: store.pause_schedule("nightly"),
        )


def test_what_is_declared_meanwhile_is_not_deleted(store, other_thread) -> None:
    save(store)

    with pytest.raises(InvalidSchedule, match="declared in code"):
        after(
            change(source=Source.CODE.value),
            other_thread,
            lambda: store.delete_schedule("nightly"),
        )


def test_who_is_about_to_change_it_finds_it_as_it_was_left(store, other_thread) -> None:
    save(store)

    def find() -> int:
        with transaction.atomic():
            return store.find_schedule("nightly", lock=True).terms.missed_cap

    assert after(change(missed_cap=7), other_thread, find) == 7


def test_so_it_is_with_a_template(store, other_thread) -> None:
    store.save_template(REPORT, job=NewJob(handler="shop.report", template="report"))

    def find() -> StoredTemplate:
        with transaction.atomic():
            return store.find_template("report", lock=True)

    with pytest.raises(TemplateNotFound):
        after(lambda: store.delete_template("report"), other_thread, find)


def test_who_only_looks_waits_for_nobody(store, other_thread) -> None:
    save(store)
    store.save_template(REPORT, job=NewJob(handler="shop.report", template="report"))
    with transaction.atomic():
        store.find_schedule("nightly", lock=True)
        store.find_template("report", lock=True)
        schedule = other_thread.submit(store.find_schedule, "nightly").result(PATIENCE)
        slots = other_thread.submit(store.slots_of, "nightly").result(PATIENCE)
        template = other_thread.submit(store.find_template, "report").result(PATIENCE)

    assert (schedule.name, slots, template) == ("nightly", [], REPORT)
