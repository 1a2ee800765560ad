"""Both connections that the statements of a store run on: Django's, and one apart from it."""

from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from django.db import DatabaseError, connections

from django_jobqueue.models import QueueRecord
from django_jobqueue.store.sessions import (
    APPLICATION_NAME,
    DjangoSession,
    PsycopgSession,
    Session,
    connection_parameters,
)

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

TABLE = QueueRecord._meta.db_table
PAUSE = f"UPDATE {TABLE} SET pause_reason = %(why)s"
WHICH = "SELECT pg_backend_pid()"


class Undone(Exception):
    """Ends a transaction."""


@pytest.fixture(params=[DjangoSession, PsycopgSession])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    opened: Session = request.param("default")
    yield opened
    opened.close()


@pytest.fixture
def own() -> Iterator[PsycopgSession]:
    opened = PsycopgSession("default")
    yield opened
    opened.close()


def test_a_statement_tells_how_many_rows_it_changed(session: Session) -> None:
    for name in ("a", "b"):
        QueueRecord.objects.create(name=name)

    assert session.changed(PAUSE, {"why": "maintenance"}) == 2


def test_what_is_undone_leaves_nothing_and_ends_the_transaction(session: Session) -> None:
    QueueRecord.objects.create(name="a", pause_reason="")
    assert not session.is_in_transaction

    with suppress(Undone), session.atomic():
        session.changed(PAUSE, {"why": "maintenance"})
        assert session.is_in_transaction
        raise Undone

    assert not session.is_in_transaction
    assert QueueRecord.objects.get().pause_reason == ""


def test_what_was_closed_is_opened_again_by_the_next_statement(session: Session) -> None:
    before = session.rows(WHICH, {})
    session.close()

    assert session.rows(WHICH, {}) != before


def test_a_statement_that_is_refused_costs_no_connection(session: Session) -> None:
    before = session.rows(WHICH, {})
    with pytest.raises((DatabaseError, psycopg.Error)):
        session.rows("SELECT nothing_of_that_name", {})

    assert session.rows(WHICH, {}) == before


@pytest.mark.parametrize("verb", ["rows", "changed"])
def test_a_connection_that_an_interrupt_left_amid_a_statement_is_given_up(
    own: PsycopgSession, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = own.connection

    def interrupted(*_: object) -> None:
        connection.pgconn.send_query(b"SELECT 1")
        raise KeyboardInterrupt

    monkeypatch.setattr(connection, "execute", interrupted)
    with pytest.raises(KeyboardInterrupt):
        getattr(own, verb)("SELECT 2", {})

    assert connection.closed
    assert own.rows("SELECT 3", {}) == [(3,)]


def test_how_django_binds_is_not_for_a_connection_apart_from_it() -> None:
    given = connection_parameters("default")

    assert not {"context", "cursor_factory", "prepare_threshold"} & given.keys()
    assert (given["application_name"], given["connect_timeout"]) == (APPLICATION_NAME, 3)


def test_what_the_site_says_of_its_connections_holds_for_it_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = {"application_name": "shop", "connect_timeout": 20}
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", said)

    given = connection_parameters("default")

    assert said.items() <= given.items()


def test_it_acts_in_the_role_that_the_site_assumes(monkeypatch: pytest.MonkeyPatch) -> None:
    assumed = {"assume_role": "pg_monitor"}
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", assumed)
    own = PsycopgSession("default")
    try:
        assert own.rows("SELECT current_user::text", {}) == [("pg_monitor",)]
    finally:
        own.close()


def test_what_is_sent_together_is_on_its_way_meanwhile(own: PsycopgSession) -> None:
    QueueRecord.objects.create(name="locked")
    locks, looks = PsycopgSession("default"), PsycopgSession("default")
    [(pid,)] = locks.rows(WHICH, {})

    def let_go() -> None:
        asked = "SELECT 1 FROM pg_stat_activity WHERE %(pid)s = ANY(pg_blocking_pids(pid))"
        assert any(looks.rows(asked, {"pid": pid}) for _ in range(20_000)), "nobody waits"
        locks.rows("COMMIT", {})

    try:
        locks.rows("BEGIN", {})
        locks.rows(PAUSE, {"why": "first"})
        own.rows("SET lock_timeout = '20s'", {})
        own.together([(PAUSE, {"why": "second"}), (WHICH, {})], meanwhile=let_go)
    finally:
        locks.close()
        looks.close()

    assert QueueRecord.objects.get().pause_reason == "second"
