"""A handler that holds the interpreter of its child, past its timeout."""

import pytest

from django_jobqueue import DeathReason, JobState
from django_jobqueue.models import ArchivedJob, DeadJob, Job

from .jobs import match, work
from .processes import PATIENCE, Deployment, within

pytestmark = [pytest.mark.acceptance, pytest.mark.usefixtures("no_child_is_left")]

#: Nothing below may wait for a lease to run out.
LONG_LEASE = {"LEASE": 3600, "HEARTBEAT_INTERVAL": 0.5, "TIMEOUT_GRACE": 1}
#: Two children are held for some seconds each, and another waits for its interpreter.
TWO_DEATHS = 3 * PATIENCE


def test_it_is_buried_and_everything_else_is_done(deployment: Deployment) -> None:
    good = work.enqueue_many([{"number": number, "seconds": 0.01} for number in range(20)])
    guilty = match.enqueue()
    good += work.enqueue_many([{"number": number, "seconds": 0.01} for number in range(20, 60)])
    worker = deployment.worker("--concurrency", "4", **LONG_LEASE)

    assert guilty.wait(TWO_DEATHS).state == JobState.DEAD, worker.output
    assert within(PATIENCE, lambda: not Job.objects.exists()), worker.output
    assert [row.pk for row in DeadJob.objects.all()] == [guilty.id]
    assert guilty.snapshot.reason == DeathReason.POISON
    reason = f"killed by SIGKILL: it did not react, and was past the timeout of job {guilty.id}"
    assert reason in str(guilty.error)
    assert set(ArchivedJob.objects.values_list("pk", "attempt")) == {(job.id, 1) for job in good}
    held = [line for line in deployment.journal if line.startswith("match ")]
    assert len(held) == len(set(held)) == 2, "beside the others, and alone"
    assert not worker.has_ended
