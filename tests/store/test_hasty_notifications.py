"""A wake-up waits for no disk, and has nobody else's commit not wait for it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore
from django_jobqueue.store.sessions import PsycopgSession

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@contextmanager
def begun() -> Iterator[None]:
    """A transaction that Django was not told of."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        yield
        cursor.execute("ROLLBACK")


@contextmanager
def autocommit_off() -> Iterator[None]:
    transaction.set_autocommit(False)
    yield
    transaction.rollback()
    transaction.set_autocommit(True)


@pytest.fixture
def store() -> JobStore:
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")
    return store_for("default")


def waits_for_the_disk() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return bool(cursor.fetchone()[0] == "on")


def test_a_wake_up_by_itself_does_not_wait_for_the_disk_and_what_follows_does(
    store: JobStore,
) -> None:
    seen: list[str] = []

    def note(execute, sql, *rest):  # type: ignore[no-untyped-def]
        seen.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        store.notify(["mail"])

    assert "'synchronous_commit', 'off', true" in seen[-1]
    assert waits_for_the_disk()


@pytest.mark.parametrize("transact", [transaction.atomic, begun, autocommit_off])
def test_a_transaction_that_wakes_others_is_committed_as_it_was_to_be(
    store: JobStore, transact
) -> None:  # type: ignore[no-untyped-def]
    with transact():
        store.notify(["mail"])

        assert waits_for_the_disk()


def test_a_session_of_its_own_knows_whether_a_transaction_is_open() -> None:
    session = PsycopgSession("default", prepared=False)
    try:
        before = session.is_in_transaction
        with session.atomic():
            session.rows("SELECT 1", {})
            within = session.is_in_transaction
        assert (before, within, session.is_in_transaction) == (False, True, False)
    finally:
        session.close()
