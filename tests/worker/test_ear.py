"""Hearing for a worker whose pumps are in other processes."""

import threading

import pytest
from django.db import connection

from django_jobqueue.service import StopSender
from django_jobqueue.store import store_for
from django_jobqueue.store.notifications import Notifications
from django_jobqueue.worker.hearing import Hearing
from django_jobqueue.worker.listener import Ear
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


def test_what_it_cannot_connect_to_is_told_as_its_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    hearing = Hearing(serves=lambda queue: True, wake=lambda queue: None, look=lambda: None)
    ear = Ear(hearing, Notifications.apart("default"))
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")

    from psycopg import OperationalError

    with pytest.raises(OperationalError):
        ear.tick()
