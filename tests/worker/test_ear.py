"""Hearing for a worker whose pumps are in other processes."""

import threading

import pytest
from django.db import connection

from django_jobqueue.events import EventBus
from django_jobqueue.service import StopSender
from django_jobqueue.store import store_for
from django_jobqueue.store.notifications import Notifications
from django_jobqueue.worker.hearing import Hearing
from django_jobqueue.worker.listener import Ear, Listener
from tests.elsewhere import elsewhere

from .site import COMMITTED, PATIENCE, within

pytestmark = [COMMITTED, pytest.mark.postgresql]


def test_it_connects_and_hears_until_it_is_stopped() -> None:
    woken = threading.Event()
    hearing = Hearing(serves=lambda queue: True, wake=lambda queue: woken.set(), look=lambda: None)
    notifications, stop = Notifications.apart("default"), StopSender()
    ear = Ear(hearing, notifications)
    thread = threading.Thread(target=ear.run, args=[stop.receiver()])
    thread.start()
    assert within(PATIENCE, lambda: hearing.is_waiting)

    elsewhere(lambda: store_for("default").notify(["mail"]))
    assert woken.wait(PATIENCE)
    stop.send()

    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert notifications.connection is None


def test_it_is_told_of_as_soon_as_it_hears() -> None:
    hearing = Hearing(serves=lambda queue: True, wake=lambda queue: None, look=lambda: None)
    listener = Listener(hearing, events=EventBus())
    notifications = Notifications.apart("default")
    ear = Ear(hearing, notifications)
    hearing.set()

    ear.tick()

    assert listener._wake.is_set()
    assert hearing.connection is not None
    notifications.close()
    hearing.close()


def test_a_connection_that_cannot_be_had_is_its_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    hearing = Hearing(serves=lambda queue: True, wake=lambda queue: None, look=lambda: None)
    ear = Ear(hearing, Notifications.apart("default"))
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")

    from psycopg import OperationalError

    with pytest.raises(OperationalError):
        ear.tick()


def test_one_that_is_lost_is_its_trouble_too() -> None:
    wakes: list[str | None] = []
    hearing = Hearing(serves=lambda queue: True, wake=wakes.append, look=lambda: None)
    notifications = Notifications.apart("default")
    ear = Ear(hearing, notifications)
    hearing.set()
    ear.tick()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'django_jobqueue listener'"
        )

    with pytest.raises(ConnectionError, match="was lost"):
        ear.tick()
    assert wakes == [None, None]
    hearing.close()
