"""Every duty comes back by itself after PostgreSQL has ended its connection."""

from datetime import timedelta
from typing import ClassVar

import pytest
from django.db import connection, connections

from django_jobqueue.core.errors import JobTimedOut
from django_jobqueue.events import EventBus
from django_jobqueue.service import ServiceTask, ServiceTaskKind, StopReceiver
from django_jobqueue.store import store_for
from django_jobqueue.store.sessions import PsycopgSession
from django_jobqueue.worker.hygiene import drop_broken_connections
from django_jobqueue.worker.promoter import Promoter

from .site import PATIENCE, Site, within

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


def backend_of_django() -> int:
    assert connection.connection is not None
    return int(connection.connection.info.backend_pid)


def test_a_duty_on_djangos_connection_opens_a_new_one() -> None:
    promoter = Promoter(
        store=store_for("default"),
        wake=lambda: None,
        notify=lambda queues: None,
        events=EventBus(),
        interval=timedelta(seconds=2),
        after_tick=drop_broken_connections,
        elapsed=lambda: 0.0,
    )
    promoter.round()
    lost = backend_of_django()
    other = PsycopgSession("default")
    other.rows("SELECT pg_terminate_backend(%(pid)s)", {"pid": lost})
    other.close()
    promoter.round()

    assert promoter.tick() is None
    assert backend_of_django() != lost


def test_a_duty_keeps_a_connection_that_is_sound() -> None:
    store_for("default").promote()
    before = backend_of_django()

    drop_broken_connections()

    assert backend_of_django() == before


def test_an_interrupt_amid_a_statement_costs_that_connection_only() -> None:
    session = PsycopgSession("default")
    session.rows("SELECT 1", {})
    first = session.connection

    with pytest.raises(JobTimedOut):
        interrupt_amid_a_statement(session)

    assert session.rows("SELECT 2", {}) == [(2,)]
    assert session.connection is not first
    session.close()


class Patience(ServiceTask):
    """A task of the site: on the same terms as every duty."""

    id = "patience"
    kind = ServiceTaskKind.ONESHOT_TASK
    seconds: ClassVar[list[object]] = []

    def run(self, stop: StopReceiver) -> None:
        self.seconds.append(connections["default"].settings_dict["OPTIONS"].get("connect_timeout"))


def test_no_task_of_a_worker_waits_long_for_a_database_that_is_not_there(site: Site) -> None:
    Patience.seconds.clear()
    with site.working(services=(f"{__name__}.Patience",)):
        assert within(PATIENCE, lambda: Patience.seconds == [3])

    assert "connect_timeout" not in connection.settings_dict["OPTIONS"]


def interrupt_amid_a_statement(session: PsycopgSession) -> None:
    with session._left_idle() as opened:
        opened.pgconn.send_query(b"SELECT pg_sleep(0.1)")
        raise JobTimedOut
