"""A connection that is kept for the next job of its thread, until somebody asks for it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection

from django_jobqueue.store.sessions import PsycopgSession
from django_jobqueue.worker.hygiene import clean_thread, close_connections

from .site import COMMITTED, PATIENCE

pytestmark = [COMMITTED, pytest.mark.postgresql]


@pytest.fixture
def one_that_waits() -> Iterator[Any]:
    """The driver's connection, kept in this thread for its next job."""
    connection.close()
    connection.ensure_connection()
    waiting = connection.connection
    clean_thread(between_jobs=True)
    yield waiting
    close_connections()
    assert waiting.closed


def test_one_whose_server_was_not_heard_for_a_while_is_asked_first(
    one_that_waits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_jobqueue.worker.kept_connections.FRESH_SECONDS", -1.0)

    def fail(statement: str) -> None:
        raise OperationalError(f"nobody answers {statement}")

    monkeypatch.setattr(one_that_waits, "execute", fail)
    connection.ensure_connection()

    assert connection.connection is not one_that_waits
    assert one_that_waits.closed


def test_who_asks_the_driver_itself_gets_a_renewed_session_too(one_that_waits: Any) -> None:
    connection.ensure_connection()

    assert connection.connection is one_that_waits
    assert one_that_waits.execute("SELECT 7").fetchone() == (7,)


def test_to_take_one_up_is_no_statement(
    one_that_waits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_jobqueue.worker.kept_connections.FRESH_SECONDS", PATIENCE)
    monkeypatch.setattr(one_that_waits, "cursor", None)
    connection.ensure_connection()

    assert connection.connection is one_that_waits


def test_a_forked_process_leaves_its_parent_the_connection(
    one_that_waits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_jobqueue.worker.kept_connections.getpid", lambda: -1)
    connection.ensure_connection()

    assert connection.connection is not one_that_waits
    assert not one_that_waits.closed
    one_that_waits.close()


def test_what_is_set_is_undone_before_the_next_job_asks_for_anything(one_that_waits: Any) -> None:
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(4711)")
    clean_thread(between_jobs=True)

    other = PsycopgSession("default", prepared=False)
    try:
        limit = {"most": f"{PATIENCE:.0f}s"}  # it waits for the server, not for this thread
        other.rows("SELECT set_config('statement_timeout', %(most)s, false)", limit)
        assert other.rows("SELECT pg_advisory_lock(4711)::text", {}) == [("",)]
    finally:
        other.close()
