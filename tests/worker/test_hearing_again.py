"""What becomes of a pause whose connection is lost, refuses to listen, or is to be renewed."""

import pytest

from django_jobqueue.worker.hearing import Hearing

from .heard import Heard, cut, heard
from .site import COMMITTED

__all__ = ["heard"]

pytestmark = [COMMITTED, pytest.mark.postgresql]


def test_where_the_connection_is_cut_whoever_needs_it_is_woken(heard: Heard) -> None:
    heard.changes.clear()
    cut(heard)

    assert heard.hearing.wait()
    assert heard.wakes == [None]
    assert heard.changes == [True]
    assert heard.session.current is None


def test_one_that_is_cut_again_and_again_is_not_opened_at_once(heard: Heard) -> None:
    for passes, wakes in ((0.0, 1), (0.5, 1), (Hearing.PATIENCE_SECONDS, 2)):
        heard.time.passes(passes)
        heard.session.open()
        heard.look()
        heard.wakes = [None] * (wakes - 1 if passes != 0.5 else 1)
        cut(heard)
        assert heard.hearing.wait()
        heard.hearing.clear()
        assert len(heard.wakes) == wakes


def test_a_cut_before_it_listens_is_left_to_whoever_needs_the_connection_next(
    heard: Heard,
) -> None:
    heard.session.close()
    heard.session.open()
    cut(heard)
    heard.wakes.clear()

    assert not heard.hearing.wait(0.0)
    assert heard.session.current is None
    assert heard.wakes == []

    heard.session.open()
    assert heard.hearing.wait()
    assert heard.hearing.connection is heard.session.current
    assert heard.hearing.refusal is None


def test_a_connection_that_was_lost_beside_a_statement_is_told_of(heard: Heard) -> None:
    heard.changes.clear()
    heard.session.close()

    assert not heard.hearing.wait(0.0)
    assert not heard.hearing.wait(0.0)
    assert heard.changes == [True]


def test_a_connection_that_refuses_to_listen_goes_on_for_all_else(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard.session.close()
    heard.session.open()
    heard.look()
    heard.session.close()
    heard.session.open()
    heard.changes.clear()
    heard.wakes.clear()
    # As a pooler may, or a server that only reads.
    monkeypatch.setattr("django_jobqueue.store.notifications.CHANNEL", "no channel")

    for _ in range(3):
        assert not heard.hearing.wait(0.0)

    assert heard.hearing.connection is None
    assert "syntax error" in (heard.hearing.refusal or "")
    assert heard.wakes == []
    assert heard.changes
    assert heard.session.rows("SELECT 1", {}) == [(1,)]


def test_it_is_renewed_by_the_one_who_pauses(heard: Heard) -> None:
    before = heard.session.current
    heard.hearing.renew()
    assert not before.closed

    assert heard.hearing.wait()
    assert before.closed
    assert heard.wakes == [None]
    heard.hearing.clear()
    assert not heard.hearing.wait(0.0)
