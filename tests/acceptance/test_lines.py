"""Lines between real processes: a holder that dies, one that stalls, and twenty jobs of two workers
that meet an expired credential.
"""

import signal

import pytest

from django_jobqueue import Acquired, Line
from django_jobqueue.jobs.line_keeper import keeper
from django_jobqueue.models import ArchivedJob
from example_project.partner.api import partner_api
from example_project.partner.jobs import fetch_article

from .processes import PATIENCE, QUICK, Deployment, Process, within

pytestmark = pytest.mark.acceptance

HOLD = """
import threading
from django_jobqueue import Line
from tests.acceptance.jobs import note

token = Line("api", scope="cluster").try_acquire_token().token
note("holding")
while not token.is_lost:
    threading.Event().wait(0.05)
note("lost")
"""
JOBS = 20


@pytest.fixture
def holder(deployment: Deployment) -> Process:
    """A process that holds the line until it is told that it has lost it."""
    process = deployment.start("shell", "-c", HOLD)
    assert deployment.has_noted("holding"), process.output
    return process


@pytest.fixture(autouse=True)
def keeper_at_rest():
    yield
    assert keeper.join(10)


def test_a_holder_keeps_its_line_past_the_lease_and_loses_it_when_it_is_killed(holder: Process):
    line = Line("api", scope="cluster")
    busy = line.try_acquire_token()
    assert busy.shared.wait(2 * QUICK["LEASE"]) is False

    holder.kill()

    assert busy.shared.wait(PATIENCE)
    with line.try_acquire_token().token as token:
        assert token.is_held


def test_a_holder_that_stalled_past_its_lease_is_told_that_it_lost_the_line(
    deployment: Deployment, holder: Process
):
    line = Line("api", scope="cluster")
    busy = line.try_acquire_token()

    holder.send(signal.SIGSTOP)
    assert busy.shared.wait(PATIENCE)
    outcome = line.try_acquire_token()
    assert isinstance(outcome, Acquired)
    holder.send(signal.SIGCONT)

    assert deployment.has_noted("lost")
    with outcome.token as token:
        assert token.is_held


def test_of_the_jobs_of_two_workers_exactly_one_renews_the_secret(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    with partner_api(meeting=4) as api:
        monkeypatch.setenv("PARTNER_URL", api.url)
        fetch_article.enqueue_many([{"number": number} for number in range(JOBS)])
        for _ in range(2):
            deployment.worker("--processes", "0", "--concurrency", "2")

        done = ArchivedJob.objects.filter(state="succeeded")
        assert within(PATIENCE, lambda: done.count() == JOBS)

        assert api.refusals == 4
        assert api.renewals == 1
