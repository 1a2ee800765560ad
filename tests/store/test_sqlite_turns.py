"""How a thread waits for its turn to write, on SQLite, and which stores have turns of their own."""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction

from django_jobqueue.core.specs import NewJob
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .test_sqlite_races import options_of_new_connections, the_write_lock_held_elsewhere

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


def one_statement(store: JobStore) -> None:
    store.insert(NewJob(handler="h"))


def several(store: JobStore) -> None:
    with store.writing():
        pass


Write = Callable[[JobStore], None]
either_way = pytest.mark.parametrize("write", [one_statement, several])


@either_way
def test_within_a_transaction_of_the_caller_a_lock_is_told_at_once(
    store: JobStore, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(store, "_wait", pauses.append)
    with (
        options_of_new_connections(transaction_mode="DEFERRED", timeout=0),
        the_write_lock_held_elsewhere(until=threading.Event()),
        pytest.raises(OperationalError, match="locked"),
        transaction.atomic(),
    ):
        write(store)

    assert pauses == []


@either_way
def test_how_a_thread_pauses_holds_for_the_quarantine_too(store: JobStore, write: Write) -> None:
    pauses: list[float] = []

    def give_up(seconds: float) -> bool:
        pauses.append(seconds)
        return True

    with (
        options_of_new_connections(timeout=0),
        the_write_lock_held_elsewhere(until=threading.Event()),
        store.pausing_with(give_up),
        pytest.raises(OperationalError, match="locked"),
    ):
        write(store.dedicated(suspects=True))

    assert len(pauses) == 1


def test_a_way_to_pause_is_forgotten_at_the_end_of_its_block(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()
    monkeypatch.setattr(store, "_wait", lambda seconds: tried.set())
    with store.pausing_with(lambda seconds: True):
        pass
    with options_of_new_connections(timeout=0), the_write_lock_held_elsewhere(until=tried):
        store.insert(NewJob(handler="h"))

    assert tried.is_set()


@either_way
@pytest.mark.parametrize("in_transaction", [True, False])
def test_only_who_may_be_told_to_give_up_waits_in_short_tries(
    store: JobStore, write: Write, in_transaction: bool
) -> None:
    waiting = store.pausing_with(lambda seconds: False) if in_transaction else nullcontext()
    statements: list[str] = []
    with waiting, transaction.atomic() if in_transaction else nullcontext():
        connection.ensure_connection()
        connection.connection.set_trace_callback(statements.append)
        write(store)
        connection.connection.set_trace_callback(None)

    assert statements
    assert not [one for one in statements if "busy_timeout" in one]


def test_a_database_is_reached_by_opening_it(store: JobStore) -> None:
    connection.close()

    store.reach()

    assert connection.connection is not None


def test_the_store_is_its_own_dedicated_one_but_for_the_quarantine(store: JobStore) -> None:
    quarantine = store.dedicated(suspects=True)
    patient = store.dedicated(overtime=timedelta(hours=1))

    assert store.dedicated() is store
    assert quarantine.suspects
    assert quarantine.overtime == store.overtime
    assert (patient.suspects, patient.overtime) == (False, timedelta(hours=1))
