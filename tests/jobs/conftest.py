import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest
from django.db import connection, connections
from django.test import override_settings

from django_jobqueue import Line, conf
from django_jobqueue.events import events
from django_jobqueue.jobs.line_keeper import keeper
from django_jobqueue.jobs.spooling import spool_of
from django_jobqueue.store.spool import Spool
from tests.outage import database_away

from .finishing import SUCCEEDED, finish_next
from .lines import PATIENCE


@pytest.fixture
def told() -> Iterator[list[tuple[str, dict[str, object]]]]:
    """What the bus of the process was told during the test."""
    heard: list[tuple[str, dict[str, object]]] = []

    def listen(name: str, facts: dict[str, object]) -> None:
        heard.append((name, dict(facts)))

    events.subscribe(listen)
    yield heard
    events.unsubscribe(listen)


class Away(Protocol):
    """Makes the database unreachable for the length of a block."""

    def __call__(self) -> AbstractContextManager[None]: ...


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """The spool of this site, which has one during the test."""
    with override_settings(JOBQUEUE={"SPOOL": tmp_path / "spool"}):
        kept = spool_of(conf.current())
        assert kept is not None
        yield kept


@pytest.fixture
def away(tmp_path: Path) -> Away:
    return partial(database_away, tmp_path)


@pytest.fixture
def keeper_at_rest() -> Iterator[None]:
    """For tests that take cluster-wide lines: its thread ends with the last of them."""
    yield
    assert keeper.join(PATIENCE)


@pytest.fixture
def line() -> Line:
    return Line("api", scope="cluster")


@pytest.fixture
def finishing_soon() -> Iterator[threading.Event]:
    """Finishes the next job, from another thread, once the event is set."""
    begin = threading.Event()

    def finish() -> None:
        if begin.wait(timeout=10):
            finish_next(SUCCEEDED)
        connections.close_all()

    thread = threading.Thread(target=finish, name="jobqueue-test-finisher")
    thread.start()
    yield begin
    begin.set()
    thread.join(timeout=10)


@pytest.fixture
def heard(settings: Any) -> Iterator[Callable[[], list[str]]]:
    """What a listener on another connection heard since it was last asked; on PostgreSQL."""
    import psycopg

    from django_jobqueue.store.postgresql import CHANNEL

    settings.JOBQUEUE = {"NOTIFY_DEBOUNCE": 0, "PROMOTE_INTERVAL": 2}
    parameters = connection.get_connection_params()
    wanted = {"dbname", "host", "port", "user", "password"}
    connect = {key: value for key, value in parameters.items() if key in wanted}
    with psycopg.connect(**connect, autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")

        def since() -> list[str]:
            """Everything sent so far: a notification of our own marks the end."""
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_notify(%s, 'end of test')", [CHANNEL])
            received = []
            for notification in listener.notifies(timeout=10):
                if notification.payload == "end of test":
                    return received
                received.append(notification.payload)
            raise AssertionError("the end was never heard")

        yield since
