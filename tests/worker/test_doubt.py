"""A worker that could not renew its lease for a while, and does not know yet what came of it."""

from collections.abc import Callable

import pytest

from django_jobqueue import JobContext, JobState
from django_jobqueue.core.clock import monotonic
from django_jobqueue.models import Job

from .site import COMMITTED, Gate, RunningWorker, Site

pytestmark = COMMITTED

#: The only heartbeats are those that the test has time pass for.
RARELY = {"heartbeat_interval": 1000, "lease": 4000, "concurrency": 1, "poll_interval": 0.02}

Pass = Callable[[RunningWorker, float], None]


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Pass:
    """Let seconds pass for the worker since its last heartbeat."""

    def since_the_heartbeat(it: RunningWorker, seconds: float) -> None:
        membership = it.worker.pump._membership
        monkeypatch.setattr(membership, "_elapsed", lambda: monotonic() + seconds)

    return since_the_heartbeat


def test_a_running_handler_is_told_while_the_doubt_lasts_and_its_answer_counts(
    site: Site, passes: Pass
) -> None:
    first, second, told = Gate(), Gate(), []

    @site.job
    def slow(context: JobContext) -> str:
        first.pass_through()
        told.append(context.lease_lost)
        second.pass_through()
        told.append(context.lease_lost)
        return "done"

    handle = slow.enqueue()
    with site.working(**RARELY) as it:
        first.entered()
        passes(it, 3300)
        first.open()
        second.entered()
        passes(it, 0)  # as after a heartbeat that succeeded
        second.open()
        site.told.wait_for("job.succeeded")

    assert told == [True, False]
    assert handle.refresh().result == "done"


def test_what_waits_in_the_worker_is_given_back_instead_of_started(
    site: Site, passes: Pass, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_jobqueue.worker.prefetch.Prefetch.jobs", lambda self, *, ended: 5)
    gate, runs = Gate(), site.counted("waits")
    site.job(gate.pass_through, name="runs").enqueue()
    waiting = site.declared["waits"].enqueue()
    with site.working(**RARELY) as it:
        gate.entered()
        assert Job.objects.get(pk=waiting.id).state == JobState.RUNNING  # claimed ahead
        passes(it, 3300)
        gate.open()
        site.told.wait_for("job.rescheduled")
        row = Job.objects.get(pk=waiting.id)

    assert (row.state, row.attempt, runs) == (JobState.READY, 0, [])
