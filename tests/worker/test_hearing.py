"""A pause in which notifications are heard, on the connection of whoever pauses."""

import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from django_jobqueue.store import store_for
from django_jobqueue.store.postgresql import PostgreSQLStore
from django_jobqueue.store.sessions import PsycopgSession
from django_jobqueue.worker.hearing import Hearing
from tests.elsewhere import elsewhere

from .bench import Time
from .site import COMMITTED, PATIENCE, within

pytestmark = [COMMITTED, pytest.mark.postgresql]


class Heard:
    """A Hearing on a connection that a pump might have, and whom it told."""

    def __init__(self) -> None:
        self.time = Time()
        self.wakes: list[str | None] = []
        self.looks: list[int] = []
        self.changes: list[bool] = []
        self.session = PsycopgSession("default")
        self.hearing = Hearing(
            serves=lambda queue: queue == "mail",
            wake=self.woken,
            look=lambda: self.looks.append(len(self.wakes)),
            elapsed=self.time,
        )
        self.hearing.changed = lambda: self.changes.append(True)
        self.hearing.listens_with(PostgreSQLStore("default", session=self.session).notifications())

    def woken(self, queue: str | None) -> None:
        self.wakes.append(queue)
        self.hearing.set()

    def look(self) -> None:
        """A pause that takes no time."""
        self.hearing.set()
        self.hearing.wait()
        self.hearing.clear()

    def until(self, condition: Callable[[], object]) -> None:
        def looked() -> bool:
            self.look()
            return bool(condition())

        assert within(PATIENCE, looked)


@pytest.fixture
def heard() -> Iterator[Heard]:
    it = Heard()
    it.session.open()
    it.look()
    yield it
    it.session.close()
    it.hearing.close()


def notify(*queues: str) -> None:
    elsewhere(lambda: store_for("default").notify(queues))


def test_a_notification_of_a_queue_it_serves_ends_the_pause(heard: Heard) -> None:
    notify("mail")

    assert heard.hearing.wait()
    assert heard.wakes == ["mail"]


def test_one_that_comes_during_the_pause_does_so_too(heard: Heard) -> None:
    thread = threading.Thread(target=heard.hearing.wait)
    thread.start()
    assert within(PATIENCE, lambda: heard.hearing.is_waiting)

    notify("mail")

    thread.join(PATIENCE)
    assert heard.wakes == ["mail"]
    assert not heard.hearing.is_waiting


def test_that_of_another_queue_does_not(heard: Heard) -> None:
    notify("reports", "mail")

    assert heard.hearing.wait()
    assert heard.wakes == ["mail"]


def test_one_that_came_beside_the_answer_to_a_statement_is_heard(heard: Heard) -> None:
    notify("mail")
    assert heard.session.rows("SELECT 1", {}) == [(1,)]

    assert heard.hearing.wait()
    assert heard.wakes == ["mail"]


def test_without_one_the_pause_lasts_as_long_as_was_said(heard: Heard) -> None:
    assert not heard.hearing.wait(0.0)
    assert heard.wakes == []


def test_others_end_it_as_they_would_an_event(heard: Heard) -> None:
    thread = threading.Thread(target=heard.hearing.wait)
    thread.start()
    assert within(PATIENCE, lambda: heard.hearing.is_waiting)

    heard.hearing.set()

    thread.join(PATIENCE)
    assert heard.hearing.is_set()
    assert heard.wakes == []


def test_the_poller_looks_once_whoever_was_woken_had_a_moment(heard: Heard) -> None:
    notify("mail")
    heard.until(lambda: heard.wakes)
    assert heard.looks == []

    heard.time.passes(Hearing.MOMENT_SECONDS)
    heard.look()
    heard.look()

    assert heard.looks == [1]


def test_a_stream_of_notifications_does_not_keep_the_poller_from_looking(heard: Heard) -> None:
    for count in (1, 2):
        notify("mail")
        heard.until(lambda count=count: len(heard.wakes) == count)
        heard.time.passes(Hearing.MOMENT_SECONDS * 0.6)
    heard.look()

    assert heard.looks == [2]


def test_what_is_not_connected_is_not_connected_for_that(heard: Heard) -> None:
    heard.session.close()

    assert not heard.hearing.wait(0.0)
    assert heard.session.current is None
    assert heard.hearing.connection is None


def test_it_listens_again_on_the_connection_that_was_opened_next(heard: Heard) -> None:
    before = heard.hearing.connection
    heard.session.close()
    heard.session.open()
    heard.look()
    assert heard.hearing.connection not in (None, before)

    notify("mail")

    assert heard.hearing.wait()


def test_where_the_connection_is_cut_whoever_needs_it_is_woken(heard: Heard) -> None:
    heard.changes.clear()
    with connection.cursor() as cursor:
        pid = heard.session.current.info.backend_pid
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])

    assert heard.hearing.wait()
    assert heard.wakes == [None]
    assert heard.changes == [True]
    assert heard.session.current is None
    assert "OperationalError" in heard.hearing.trouble


def test_a_cut_before_it_listens_is_left_to_whoever_needs_the_connection_next(heard: Heard) -> None:
    heard.session.close()
    heard.session.open()
    with connection.cursor() as cursor:
        pid = heard.session.current.info.backend_pid
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        # What was told to end may live for a moment.
        gone = "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = %s"
        assert within(PATIENCE, lambda: (cursor.execute(gone, [pid]), cursor.fetchone())[1][0])

    assert not heard.hearing.wait(0.0)
    assert heard.session.current is None
    assert "terminating connection" in heard.hearing.trouble
    assert heard.wakes == []


def test_a_connection_that_refuses_to_listen_goes_on_for_all_else(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard.session.close()
    heard.session.open()
    heard.changes.clear()
    # As a pooler may, or a server that only reads.
    monkeypatch.setattr("django_jobqueue.store.notifications.CHANNEL", "no channel")

    for _ in range(3):
        assert not heard.hearing.wait(0.0)

    assert heard.hearing.connection is None
    assert "syntax error" in heard.hearing.trouble
    assert (heard.wakes, heard.changes) == ([], [True])
    assert heard.session.rows("SELECT 1", {}) == [(1,)]

    monkeypatch.undo()
    heard.time.passes(Hearing.RETRY_SECONDS)
    heard.look()
    assert heard.hearing.connection is heard.session.current


def test_it_is_renewed_by_the_one_who_pauses(heard: Heard) -> None:
    before = heard.session.current
    heard.hearing.renew()
    assert not before.closed

    assert heard.hearing.wait()
    assert before.closed
    assert heard.wakes == [None]
    heard.hearing.clear()
    assert not heard.hearing.wait(0.0)


def test_its_proof_comes_back_to_it_and_wakes_nobody(heard: Heard) -> None:
    heard.time.passes(1)
    heard.changes.clear()
    heard.hearing.send_proof()

    heard.until(lambda: heard.hearing.proved_at == heard.time())
    assert heard.changes == [True]
    assert heard.wakes == []


def test_it_says_when_it_begins_to_listen() -> None:
    heard = Heard()
    try:
        heard.look()
        assert heard.changes == []
        heard.session.open()
        heard.look()
        heard.look()
        assert heard.changes == [True]
    finally:
        heard.session.close()
        heard.hearing.close()


def test_with_nothing_to_hear_it_is_an_event_like_others() -> None:
    hearing = Hearing(serves=lambda queue: True, wake=lambda queue: None, look=lambda: None)
    try:
        assert not hearing.wait(0.0)
        hearing.set()
        assert hearing.wait()
        assert hearing.connection is None
    finally:
        hearing.close()
