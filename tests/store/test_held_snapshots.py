"""Who holds the oldest snapshot, as the store tells it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from django_jobqueue.core.health import HeldSnapshot
from django_jobqueue.store import store_for
from django_jobqueue.store.sessions import PsycopgSession

pytestmark = pytest.mark.django_db
on_postgresql = pytest.mark.postgresql

NAME, ROLE = "tests: a report", "jobqueue_tests_stranger"


@contextmanager
def held_by_a_report(*before: str) -> Iterator[int]:
    """Hold a snapshot on a connection of its own; yields its pid."""
    session = PsycopgSession("default", prepared=False)
    connection = session.connection
    try:
        connection.execute("SELECT set_config('application_name', %s, false)", [NAME])
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        for statement in before:
            connection.execute(statement)
        connection.execute("SELECT 'the report', " + "'long'," * 200 + "1")
        yield connection.info.backend_pid
    finally:
        session.close()


@pytest.fixture
def stranger() -> Iterator[PsycopgSession]:
    """A connection of a user that may see nothing of what others do."""
    session = PsycopgSession("default", prepared=False)
    session.connection.execute(f"CREATE ROLE {ROLE}")
    try:
        session.connection.execute(f"SET ROLE {ROLE}")
        yield session
    finally:
        session.connection.execute("RESET ROLE")
        session.connection.execute(f"DROP ROLE {ROLE}")
        session.close()


def found(session: PsycopgSession | None = None) -> HeldSnapshot:
    store: Any = store_for("default")
    held = type(store)("default", session=session).held_snapshot()
    assert held is not None
    return held


def test_where_nobody_holds_one_there_is_none() -> None:
    assert store_for("default").held_snapshot() is None


@on_postgresql
def test_the_holder_is_named_with_the_start_of_its_query() -> None:
    with held_by_a_report() as pid:
        held = found()

    assert (held.kind, held.pid, held.name) == ("connection", pid, NAME)
    assert held.state == "idle in transaction"
    assert held.age == pytest.approx(30, abs=30)
    assert held.query is not None
    assert held.query.startswith("SELECT 'the report', 'long'")
    assert len(held.query) == 200


@on_postgresql
def test_of_two_the_oldest_is_told() -> None:
    with held_by_a_report() as pid:
        session = PsycopgSession("default", prepared=False)
        try:
            # What is written in between makes the second snapshot a younger one.
            session.connection.execute("SELECT pg_current_xact_id()")
            with held_by_a_report():
                assert found().pid == pid
        finally:
            session.close()


@on_postgresql
def test_a_transaction_that_has_written_and_rests_is_a_holder_too() -> None:
    session = PsycopgSession("default", prepared=False)
    try:
        session.connection.execute("BEGIN")
        session.connection.execute("SELECT pg_current_xact_id()")
        assert found().pid == session.connection.info.backend_pid
    finally:
        session.close()


@on_postgresql
def test_who_may_not_see_others_is_told_the_pid_and_the_application(
    stranger: PsycopgSession,
) -> None:
    with held_by_a_report() as pid:
        held = found(stranger)

    assert (held.kind, held.pid, held.name) == ("connection", pid, NAME)
    assert (held.state, held.age, held.query) == (None, None, None)
    assert held.xmin.isdecimal()
