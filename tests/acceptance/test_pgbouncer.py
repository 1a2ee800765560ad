"""A worker that reaches its database through pgbouncer in transaction mode."""

import signal

import pytest

from django_jobqueue import JobState
from django_jobqueue.models import ArchivedJob, DeadJob, Job
from tests import pgbouncer

from .jobs import tell_attempt, work
from .processes import PATIENCE, Deployment, url_of_the_suite, within

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.postgresql,
    pytest.mark.skipif(pgbouncer.program() is None, reason=pgbouncer.MISSING),
]

JOBS = 300


@pytest.fixture
def behind_it(transactional_db: None) -> object:
    with pgbouncer.pgbouncer(url_of_the_suite()) as socket:
        yield pgbouncer.url_behind(socket, url_of_the_suite())


def test_it_drains_jobs_by_polling_and_says_that_it_hears_nothing(
    deployment: Deployment, behind_it: str
) -> None:
    work.enqueue_many([{"number": number} for number in range(JOBS)])

    worker = deployment.start(
        "runjobs", "--processes", "2", url=behind_it, PREPARED_STATEMENTS=False
    )

    assert within(PATIENCE, lambda: not Job.objects.exists()), worker.output
    assert worker.says("a pooler in transaction mode is in between")
    assert tell_attempt.enqueue().wait(PATIENCE).state == JobState.SUCCEEDED
    assert (ArchivedJob.objects.count(), DeadJob.objects.count()) == (JOBS + 1, 0)
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    for trouble in ("listener.deaf", "pump.database_failed", "child.died", "declared_dead"):
        assert trouble not in worker.output
