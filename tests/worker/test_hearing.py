"""A pause in which notifications are heard, on the connection of whoever pauses."""

import threading
from select import select

import pytest

from django_jobqueue.worker.hearing import Hearing

from .heard import DEBOUNCE, Heard, heard, notify
from .site import COMMITTED, PATIENCE, within

__all__ = ["heard"]

pytestmark = [COMMITTED, pytest.mark.postgresql]


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


def test_the_poller_looks_once_more_where_more_may_have_been_held_back(heard: Heard) -> None:
    """Of the first that is heard nobody knows how many others went before it."""
    notify("mail")
    heard.until(lambda: heard.wakes)

    looked_at = looks_of(heard, seconds=1.0)

    assert looked_at == [
        pytest.approx(Hearing.MOMENT_SECONDS, abs=0.005),
        pytest.approx(DEBOUNCE + Hearing.MOMENT_SECONDS, abs=0.005),
    ]


def test_the_poller_looks_no_more_where_nothing_was_held_back(heard: Heard) -> None:
    for count in (1, 2):
        heard.time.passes(60.0)
        heard.look()
        heard.looks.clear()
        notify("mail")
        heard.until(lambda count=count: len(heard.wakes) == count)

    assert len(looks_of(heard, seconds=1.0)) == 1


def test_another_that_is_heard_is_looked_for_soon(heard: Heard) -> None:
    notify("mail")
    heard.until(lambda: heard.wakes)
    heard.time.passes(Hearing.MOMENT_SECONDS)
    heard.look()
    notify("mail")
    heard.until(lambda: len(heard.wakes) == 2)

    heard.time.passes(Hearing.MOMENT_SECONDS)
    heard.look()

    assert heard.looks == [1, 2]


def looks_of(heard: Heard, *, seconds: float) -> list[float]:
    """When the poller is asked to look, counted from now."""
    began_at, looks = heard.time(), list[float]()
    while heard.time() - began_at < seconds:
        before = len(heard.looks)
        heard.look()
        looks += [heard.time() - began_at] * (len(heard.looks) - before)
        heard.time.passes(0.002)
    return looks


def test_what_is_not_connected_is_not_connected_for_that(heard: Heard) -> None:
    heard.session.close()

    assert not heard.hearing.wait(0.0)
    assert heard.session.current is None
    assert heard.hearing.connection is None


def test_it_listens_again_on_the_connection_that_was_opened_next(heard: Heard) -> None:
    # With a wait before: the next connection has its file number.
    threading.Timer(0.05, heard.hearing.set).start()
    assert heard.hearing.wait(PATIENCE)
    heard.hearing.clear()
    before = heard.session.current.fileno()
    heard.session.close()
    heard.session.open()
    assert heard.session.current.fileno() == before
    heard.look()
    assert heard.wakes == [None]

    threading.Timer(0.05, notify, ["mail"]).start()

    assert heard.hearing.wait()
    assert heard.wakes == [None, "mail"]


def test_whoever_begins_to_listen_looks_for_what_nobody_told_it_of() -> None:
    heard = Heard()
    try:
        heard.session.open()
        assert heard.hearing.wait()
        assert heard.wakes == [None]
        heard.look()
        assert heard.wakes == [None]
    finally:
        heard.session.close()
        heard.hearing.close()


def test_its_proof_comes_back_to_it_and_wakes_nobody(heard: Heard) -> None:
    heard.time.passes(1)
    heard.changes.clear()
    heard.hearing.send_proof()

    heard.until(lambda: heard.hearing.proved_at == heard.time())
    assert heard.changes == [True]
    assert heard.wakes == []


def test_a_proof_that_comes_beside_something_else_is_told_apart(heard: Heard) -> None:
    heard.time.passes(1)
    heard.hearing.send_proof()
    while not heard.hearing._notifications._beside:  # type: ignore[union-attr]
        heard.session.rows("SELECT 1", {})

    heard.look()

    assert heard.hearing.proved_beside_at == heard.time()
    assert heard.hearing.proved_at < heard.time()


def test_the_proof_of_another_wakes_nobody(heard: Heard) -> None:
    heard.hearing._serves = lambda queue: True
    heard.hearing.send_proof()
    heard.hearing.proof = "another one"
    notify("mail")

    assert heard.hearing.wait()
    assert heard.wakes == ["mail"]


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


def test_what_is_set_already_is_heard_beside_now_and_then(heard: Heard) -> None:
    notify("mail")
    assert select([heard.session.current], [], [], PATIENCE)[0]  # the server sends it when it likes
    heard.hearing.set()

    assert heard.hearing.wait()
    assert heard.wakes == []  # it has heard a moment ago
    heard.time.passes(Hearing.MOMENT_SECONDS)
    assert heard.hearing.wait()
    assert heard.wakes == ["mail"]


def test_one_that_is_busy_is_set_and_hears_all_the_same(heard: Heard) -> None:
    heard.hearing.listens_with(heard.hearing._notifications, is_busy=lambda: True)
    threading.Timer(0.001, heard.hearing.set).start()
    assert heard.hearing.wait(PATIENCE)
    assert heard.wakes == []
    heard.hearing.clear()

    threading.Timer(0.05, notify, ["mail"]).start()

    assert heard.hearing.wait()
    assert heard.wakes == ["mail"]
