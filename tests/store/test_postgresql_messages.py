"""Several statements in one message, and the connection that an error or an interrupt leaves."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from django_jobqueue.store.postgresql_messages import can_send_message, send_message

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

MESSAGE = ("BEGIN", "SELECT %(number)s::int", "COMMIT", "SELECT 2, 3")


@pytest.fixture(autouse=True)
def raw(unsurrounded: None) -> Iterator[Any]:
    """The driver's connection; the next test has another."""
    yield connection.connection
    connection.close()


def status() -> str:
    return str(connection.connection.info.transaction_status.name)


def test_it_returns_the_rows_of_each() -> None:
    assert send_message(connection, MESSAGE, {"number": 1}) == [[], [(1,)], [], [(2, 3)]]
    assert status() == "IDLE"


def test_what_fails_is_rolled_back_and_the_rest_is_not_run(raw: Any) -> None:
    with pytest.raises(DatabaseError, match="division by zero"):
        send_message(
            connection, ("BEGIN", "SELECT 1 / %(number)s", "COMMIT", "SELECT 1"), {"number": 0}
        )

    assert status() == "IDLE"
    assert connection.connection is raw


def cut(raw: Any) -> None:
    """Have the server end the session, which its client has yet to learn."""
    import psycopg

    with psycopg.connect(raw.info.dsn, password=raw.info.password, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [raw.info.backend_pid])


def begin(raw: Any) -> None:
    raw.execute("BEGIN")


def begin_and_cut(raw: Any) -> None:
    begin(raw)
    cut(raw)


def ask(raw: Any) -> None:
    raw.pgconn.send_query(b"SELECT 1")


@pytest.mark.parametrize(
    ("leave", "is_kept"),
    [(begin, True), (ask, False), (begin_and_cut, False)],
    ids=["within a transaction", "amid a statement", "in a session that was ended"],
)
def test_an_interrupt_is_raised_and_leaves_no_transaction(
    leave: Callable[[Any], None], is_kept: bool, raw: Any
) -> None:
    def interrupted(*_: object) -> None:
        leave(raw)
        raise KeyboardInterrupt

    with connection.execute_wrapper(interrupted), pytest.raises(KeyboardInterrupt):
        send_message(connection, MESSAGE, {"number": 1})

    assert (connection.connection is raw) == is_kept
    assert send_message(connection, MESSAGE, {"number": 1})[1] == [(1,)]


def test_a_session_that_was_lost_is_not_replaced_behind_its_user(raw: Any) -> None:
    """What it was told, such as a role, would be forgotten."""
    cut(raw)

    for _ in range(2):
        with pytest.raises((OperationalError, InterfaceError)):
            send_message(connection, MESSAGE, {"number": 1})
    assert connection.connection is raw


def test_a_server_that_cannot_be_reached_is_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")

    with pytest.raises(OperationalError, match="nowhere"):
        send_message(connection, MESSAGE, {"number": 1})


class TestWhenItCanBeSent:
    def test_it_can(self) -> None:
        assert can_send_message(connection)

    def test_not_within_a_transaction(self) -> None:
        with transaction.atomic():
            assert not can_send_message(connection)

    def test_not_in_a_pipeline(self, raw: Any) -> None:
        with raw.pipeline():
            assert not can_send_message(connection)

    def test_not_where_the_server_binds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        connection.close()
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "server_side_binding", True)

        assert not can_send_message(connection)

    def test_not_where_somebody_surrounds_statements(self) -> None:
        with connection.execute_wrapper(lambda execute, *call: execute(*call)):
            assert not can_send_message(connection)
