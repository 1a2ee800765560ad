"""What must be true before a worker claims, with time that passes as the test says."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import InterfaceError, connections
from django.db.migrations.recorder import MigrationRecorder

from django_jobqueue.core.errors import DatabaseNotReady
from django_jobqueue.events import EventBus
from django_jobqueue.service import StopSender, TaskError
from django_jobqueue.service.threads import caught
from django_jobqueue.store import store_for
from django_jobqueue.worker.preconditions import DatabaseIsReady, why_not_ready

from .bench import Time
from .site import COMMITTED, PATIENCE, Told

pytestmark = COMMITTED


@pytest.fixture
def unmigrated() -> Iterator[None]:
    """The migrations of this app are not recorded; the fixtures of the suite put them back."""
    recorder = MigrationRecorder(connections["default"])
    applied = [name for app, name in recorder.applied_migrations() if app == "jobqueue"]
    for name in applied:
        recorder.record_unapplied("jobqueue", name)
    yield
    done = {name for app, name in recorder.applied_migrations() if app == "jobqueue"}
    for name in set(applied) - done:
        recorder.record_applied("jobqueue", name)


class Waiting:
    """The precondition in a thread of its own; each look is half a second of the test's time."""

    def __init__(self, *, timeout: float) -> None:
        self.time, self.told, bus = Time(), Told(), EventBus()
        bus.subscribe(self.told)
        self.stop = StopSender()
        self.precondition = DatabaseIsReady(
            "default", timeout=timedelta(seconds=timeout), events=bus, elapsed=self.time
        )
        self.precondition.LOOK_SECONDS = 0.005
        self.ended: list[BaseException | None] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.ended.append(caught(lambda: self.precondition.run(self.stop.receiver())))
        finally:
            connections.close_all()

    def end(self) -> BaseException | None:
        self._thread.join(PATIENCE)
        assert self.ended, "it still waits"
        return self.ended[0]


def test_a_database_that_is_ready_keeps_nobody_waiting() -> None:
    waiting = Waiting(timeout=0)

    assert waiting.end() is None
    assert waiting.told.events == []


def test_what_is_missing_is_named_with_the_way_out(unmigrated: None) -> None:
    why = why_not_ready("default")

    assert why is not None
    assert "0001_initial" in why
    assert "manage.py migrate" in why


def test_without_patience_it_fails_at_once(unmigrated: None) -> None:
    error = Waiting(timeout=0).end()

    assert isinstance(error, TaskError)
    assert isinstance(error.__cause__, DatabaseNotReady)


def test_it_says_what_it_waits_for_every_ten_seconds(unmigrated: None) -> None:
    waiting = Waiting(timeout=60)
    for times in (1, 2, 3):
        assert "0001_initial" in waiting.told.wait_for("worker.waits", times=times)["why"]
        waiting.time.passes(10.1)
    waiting.time.passes(60)

    assert isinstance(waiting.end(), TaskError)
    assert len(waiting.told.of("worker.waits")) <= 4


def test_a_migration_that_is_applied_meanwhile_ends_the_wait(unmigrated: None) -> None:
    waiting = Waiting(timeout=60)
    waiting.told.wait_for("worker.waits")
    call_command("migrate", "jobqueue", fake=True, verbosity=0)

    assert waiting.end() is None


def test_stop_ends_the_wait(unmigrated: None) -> None:
    waiting = Waiting(timeout=60)
    waiting.told.wait_for("worker.waits")
    waiting.stop.send()

    assert waiting.end() is None


def test_a_driver_that_cannot_use_the_connection_is_waited_for_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(store: object) -> None:
        raise InterfaceError("connection already closed")

    monkeypatch.setattr(type(store_for("default")), "reach", broken)

    assert "connection already closed" in (why_not_ready("default") or "")


@pytest.fixture
def silent_address() -> Iterator[tuple[str, int]]:
    """Takes connections and never says a word, as a host behind a broken network does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


@pytest.mark.postgresql
def test_a_server_that_does_not_answer_is_not_waited_for_without_end(
    silent_address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port = silent_address
    connection = connections["default"]
    connection.close()
    for name, value in {"HOST": host, "PORT": port}.items():
        monkeypatch.setitem(connection.settings_dict, name, value)

    assert "cannot be reached" in (why_not_ready("default") or "")


@pytest.mark.django_db(transaction=True)
def test_migrations_of_other_apps_are_none_of_its_business() -> None:
    recorder = MigrationRecorder(connections["default"])
    recorder.record_unapplied("sessions", "0001_initial")
    try:
        assert why_not_ready("default") is None
    finally:
        recorder.record_applied("sessions", "0001_initial")
