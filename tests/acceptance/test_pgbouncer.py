"""A worker that reaches its database through pgbouncer in transaction mode."""

import select
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from django_jobqueue import JobState
from django_jobqueue.models import ArchivedJob, DeadJob, Job
from tests import pgbouncer
from tests.debian import needs

from .jobs import tell_attempt, work
from .processes import PATIENCE, Deployment, url_of_the_suite, within

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.postgresql,
    needs("pgbouncer"),
]

JOBS = 300


@pytest.fixture
def socket(transactional_db: None) -> Iterator[Path]:
    with pgbouncer.pgbouncer(url_of_the_suite()) as its_socket:
        yield its_socket


@pytest.mark.parametrize("processes", ["0", "2"])
def test_it_drains_jobs_by_polling_and_says_that_it_hears_nothing(
    deployment: Deployment, socket: Path, processes: str
) -> None:
    work.enqueue_many([{"number": number} for number in range(JOBS)])

    behind_it = pgbouncer.url_behind(socket, url_of_the_suite())
    worker = deployment.start(
        "runjobs", "--processes", processes, url=behind_it, PREPARED_STATEMENTS=False
    )

    assert within(PATIENCE, lambda: not Job.objects.exists()), worker.output
    assert worker.says("a pooler in transaction mode is in between")
    assert tell_attempt.enqueue().wait(PATIENCE).state == JobState.SUCCEEDED
    assert (ArchivedJob.objects.count(), DeadJob.objects.count()) == (JOBS + 1, 0)
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    for trouble in ("listener.deaf", "pump.database_failed", "child.died", "declared_dead"):
        assert trouble not in worker.output


def test_what_the_listener_sends_as_a_proof_does_not_come_back_through_it(
    socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django_jobqueue.store.notifications import Notifications

    connection.ensure_connection()
    monkeypatch.setitem(connection.settings_dict, "HOST", str(socket.parent))
    monkeypatch.setitem(connection.settings_dict, "PORT", "")
    notifications = Notifications.apart("default")
    try:
        notifications.connect()
        notifications.listen()
        notifications.send("proof")
        select.select([notifications.connection], [], [], 0.5)
        assert notifications.take() == ([], [])
    finally:
        notifications.close()
