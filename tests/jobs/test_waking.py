"""A job and its wake-up in one message; on PostgreSQL, outside a transaction."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from django_jobqueue.jobs.wakeups import BURST
from django_jobqueue.models import Job
from django_jobqueue.store.postgresql import PostgreSQLStore
from tests.handlers import add

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

Heard = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def _new_connection_afterwards(unsurrounded: None) -> Iterator[None]:
    yield
    connection.close()


@pytest.fixture
def queue() -> str:
    """One that this process has not woken yet."""
    return f"queue-{uuid4()}"


@pytest.fixture
def one_left(queue: str, heard: Heard, settings: Any) -> None:
    """The queue has one wake-up left for this hour."""
    settings.JOBQUEUE = {"NOTIFY_DEBOUNCE": 3_600}
    for number in range(BURST - 1):
        add.using(queue=queue).enqueue(number)
    assert heard() == [queue] * (BURST - 1)
    Job.objects.all().delete()


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def sent(work: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        work()
    return [each["sql"] for each in captured]


def test_the_job_is_committed_and_its_queue_woken(heard: Heard, queue: str) -> None:
    handle = add.using(queue=queue).enqueue(1)

    assert handle.created
    assert Job.objects.get(pk=handle.id).queue == queue
    assert heard() == [queue]


def test_the_wake_up_is_a_transaction_behind_that_of_the_job(queue: str) -> None:
    """A commit that notifies holds a lock of the whole server until it is on the disk."""
    [message] = sent(lambda: add.using(queue=queue).enqueue(1))

    parts = [part.lstrip() for part in message.split(";")]
    beginnings = ["BEGIN", "INSERT INTO jobqueue_job", "COMMIT", "SELECT"]
    assert all(map(str.startswith, parts, beginnings)), message
    assert len(parts) == len(beginnings)
    assert "pg_notify" in parts[-1]
    assert "'synchronous_commit', 'off', true" in parts[-1]


def test_what_follows_waits_for_the_disk(queue: str) -> None:
    run("SET synchronous_commit = on")
    add.using(queue=queue).enqueue(1)

    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)


@pytest.mark.usefixtures("one_left")
def test_one_that_fails_spends_no_wake_up(heard: Heard, queue: str) -> None:
    run("SET default_transaction_read_only = on")
    with pytest.raises(DatabaseError, match="read-only"):
        add.using(queue=queue).enqueue(1)
    run("SET default_transaction_read_only = off")
    add.using(queue=queue).enqueue(1)

    assert Job.objects.count() == 1
    assert heard() == [queue]


@pytest.mark.usefixtures("one_left")
def test_another_enqueue_does_not_rely_on_one_that_is_not_sent_yet(
    heard: Heard, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = PostgreSQLStore.insert_and_notify

    def overtaken(store: PostgreSQLStore, new: Any) -> Any:
        monkeypatch.setattr(PostgreSQLStore, "insert_and_notify", both)
        add.using(queue=queue).enqueue(1)
        raise DatabaseError("the first one hung, and was cancelled")

    monkeypatch.setattr(PostgreSQLStore, "insert_and_notify", overtaken)
    with pytest.raises(DatabaseError, match="hung"):
        add.using(queue=queue).enqueue(2)

    assert heard() == [queue]


@pytest.mark.usefixtures("one_left")
def test_one_that_was_sent_is_spent(heard: Heard, queue: str) -> None:
    for number in range(3):
        add.using(queue=queue).enqueue(number)

    assert heard() == [queue]


def test_a_queue_of_notifications_that_is_full_fails_no_enqueue(heard: Heard) -> None:
    run(
        "CREATE FUNCTION public.pg_notification_queue_usage() RETURNS float8 "
        "LANGUAGE sql AS 'SELECT 0.95'"
    )
    try:
        run("SET search_path = public, pg_catalog")
        handle = add.enqueue(1)
        run("RESET search_path")
    finally:
        run("DROP FUNCTION public.pg_notification_queue_usage()")

    assert Job.objects.filter(pk=handle.id).exists()
    assert heard() == []


def test_whoever_surrounds_statements_meets_them_one_by_one(heard: Heard, queue: str) -> None:
    met: list[str] = []

    def to_the_last_answer(
        execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        result = execute(sql, params, many, context)
        while context["cursor"].nextset():
            pass
        met.append(sql)
        return result

    with connection.execute_wrapper(to_the_last_answer):
        add.using(queue=queue).enqueue(1)

    assert [text.split()[0] for text in met] == ["INSERT", "SELECT"]
    assert heard() == [queue]


def test_a_transaction_that_django_was_not_told_of_is_not_committed(heard: Heard) -> None:
    run("BEGIN")
    add.using(queue="mail").enqueue(1)
    run("ROLLBACK")

    assert Job.objects.count() == 0
    assert heard() == []
