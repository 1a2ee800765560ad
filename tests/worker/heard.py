"""A pause of a pump that hears, a step at a time."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from django_jobqueue.store import store_for
from django_jobqueue.store.postgresql import PostgreSQLStore
from django_jobqueue.store.sessions import PsycopgSession
from django_jobqueue.worker.hearing import Hearing
from tests.elsewhere import elsewhere

from .bench import Time
from .site import PATIENCE, within

DEBOUNCE = 0.1


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
            debounce_seconds=DEBOUNCE,
            elapsed=self.time,
        )
        self.hearing.changed = lambda: self.changes.append(True)
        self.hearing.listens_with(PostgreSQLStore("default", session=self.session).notifications())

    def woken(self, queue: str | None) -> None:
        self.wakes.append(queue)
        self.hearing.set()

    def look(self) -> None:
        """A pause that takes no time."""
        self.hearing._hear_by = float("-inf")
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
    it.wakes.clear()  # it begins to listen
    yield it
    it.session.close()
    it.hearing.close()


def notify(*queues: str) -> None:
    elsewhere(lambda: store_for("default").notify(queues))


def cut(heard: Heard) -> None:
    with connection.cursor() as cursor:
        pid = heard.session.current.info.backend_pid
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        # What was told to end may live for a moment.
        gone = "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = %s"
        assert within(PATIENCE, lambda: (cursor.execute(gone, [pid]), cursor.fetchone())[1][0])
