"""Who holds the oldest snapshot, as the store tells it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from django_jobqueue.core.health import HeldSnapshot
from django_jobqueue.store import store_for
from django_jobqueue.store.sessions import PsycopgSession

pytestmark = pytest.mark.django_db
on_postgresql = pytest.mark.postgresql

NAME, ROLE = "tests: a report", "jobqueue_tests_stranger"


@contextmanager
def held_by_a_report() -> Iterator[int]:
    """Hold a snapshot on a connection of its own; yields its pid."""
    with connected() as report:
        report.execute("SELECT set_config('application_name', %s, false)", [NAME])
        hold(report)
        yield report.info.backend_pid


@contextmanager
def connected() -> Iterator[psycopg.Connection[Any]]:
    session = PsycopgSession("default", prepared=False)
    try:
        yield session.connection
    finally:
        session.close()


def hold(report: psycopg.Connection[Any]) -> None:
    report.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    report.execute("SELECT 'the report', " + "'long'," * 200 + "1")


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
    store_for("default").database_now()  # its transaction begins before the other
    with held_by_a_report() as pid:
        held = found()

    assert (held.kind, held.pid, held.name) == ("connection", pid, NAME)
    assert held.state == "idle in transaction"
    assert held.age is not None
    assert 0 < held.age < 600
    assert held.query is not None
    assert held.query.startswith("SELECT 'the report', 'long'")
    assert len(held.query) == 200


@on_postgresql
def test_of_two_the_oldest_is_told() -> None:
    with connected() as young, connected() as old:
        hold(old)
        with connected() as writer:  # makes the second snapshot a younger one
            writer.execute("SELECT pg_current_xact_id()")
        hold(young)

        assert found().pid == old.info.backend_pid


@on_postgresql
def test_of_two_as_old_as_each_other_who_began_first_is_told() -> None:
    with connected() as second, connected() as first:
        hold(first)
        hold(second)

        assert found().pid == first.info.backend_pid


@on_postgresql
def test_a_transaction_that_has_written_and_rests_is_a_holder_too() -> None:
    with connected() as writer:
        writer.execute("BEGIN")
        writer.execute("SELECT pg_current_xact_id()")
        assert found().pid == writer.info.backend_pid


@on_postgresql
def test_that_of_one_who_reads_and_then_writes_is_as_old_as_the_reading() -> None:
    # A session of its own: a transaction sees the activity of its first look again.
    looking = PsycopgSession("default", prepared=False)
    try:
        with connected() as both:
            hold(both)
            xmin = found(looking).xmin
            with connected() as other:
                other.execute("SELECT pg_current_xact_id()")
            both.execute("SELECT pg_current_xact_id()")

            assert found(looking).xmin == xmin
    finally:
        looking.close()


@on_postgresql
def test_those_of_another_database_hold_nothing_here() -> None:
    parameters = {**connection.get_connection_params(), "dbname": "postgres"}
    for name in ("context", "cursor_factory", "prepare_threshold"):
        parameters.pop(name, None)
    with psycopg.connect(**parameters, autocommit=True) as elsewhere:
        hold(elsewhere)

        assert store_for("default").held_snapshot() is None


@on_postgresql
def test_who_may_not_see_others_is_told_the_pid_and_the_application(
    stranger: PsycopgSession,
) -> None:
    with held_by_a_report() as pid:
        held = found(stranger)

    assert (held.kind, held.pid, held.name) == ("connection", pid, NAME)
    assert (held.state, held.age, held.query) == (None, None, None)
    assert held.xmin.isdecimal()
