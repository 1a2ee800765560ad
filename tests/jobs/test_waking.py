"""A job and its wake-up in one message; on PostgreSQL, outside a transaction."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from django_jobqueue.models import Job
from tests.handlers import add

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

Heard = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def _new_connection_afterwards() -> Iterator[None]:
    yield
    connection.close()


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def is_idle() -> bool:
    return connection.connection is None or (
        connection.connection.info.transaction_status.name == "IDLE"
    )


def test_the_job_is_committed_and_its_queue_woken(heard: Heard) -> None:
    handle = add.using(queue="mail").enqueue(1)

    assert handle.created
    assert Job.objects.get(pk=handle.id).queue == "mail"
    assert heard() == ["mail"]
    assert is_idle()


def test_one_that_fails_leaves_no_transaction_and_the_next_one_wakes(
    heard: Heard, settings: Any
) -> None:
    settings.JOBQUEUE = {"NOTIFY_DEBOUNCE": 3_600}
    run("SET default_transaction_read_only = on")
    with pytest.raises(DatabaseError, match="read-only"):
        add.using(queue="after a failure").enqueue(1)

    assert is_idle()
    run("SET default_transaction_read_only = off")
    add.using(queue="after a failure").enqueue(1)

    assert Job.objects.count() == 1
    assert heard() == ["after a failure"]


@pytest.mark.parametrize(
    ("left_by", "is_kept"),
    [
        (lambda raw: None, True),
        (lambda raw: raw.execute("BEGIN"), True),
        (lambda raw: raw.pgconn.send_query(b"SELECT 1"), False),
    ],
    ids=["done", "in a transaction", "amid a statement"],
)
def test_an_interrupt_leaves_a_connection_that_can_be_used(
    left_by: Callable[[Any], object], is_kept: bool, heard: Heard
) -> None:
    def interrupted(execute: Any, *call: Any) -> None:
        left_by(connection.connection)
        raise KeyboardInterrupt

    connection.ensure_connection()
    before = connection.connection
    with connection.execute_wrapper(interrupted), pytest.raises(KeyboardInterrupt):
        add.enqueue(1)

    assert is_idle()
    assert (connection.connection is before) == is_kept
    assert add.enqueue(2).created
    assert Job.objects.count() == 1


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


@pytest.fixture
def bound_on_the_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    connection.close()
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "server_side_binding", True)
    yield
    connection.close()


@pytest.mark.usefixtures("bound_on_the_server")
def test_statements_that_the_server_binds_are_sent_one_by_one(heard: Heard) -> None:
    with CaptureQueriesContext(connection) as captured:
        add.using(queue="mail").enqueue(1)

    assert len(captured) == 2
    assert heard() == ["mail"]


def test_a_transaction_that_django_was_not_told_of_commits_both(heard: Heard) -> None:
    run("BEGIN")
    add.using(queue="mail").enqueue(1)
    run("ROLLBACK")

    assert Job.objects.count() == 0
    assert heard() == []
