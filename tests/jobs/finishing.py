"""What a worker does to one job, for tests of those who look at it afterwards."""

from datetime import timedelta
from uuid import uuid4

from django_jobqueue.core.specs import (
    AttemptReport,
    ClaimedJob,
    FinishedJob,
    Transition,
    WantedJobs,
    WorkerIdentity,
)
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.store import store_for

SUCCEEDED = Transition(state=JobState.SUCCEEDED, result="[3]")
DEAD = Transition(
    state=JobState.DEAD,
    reason=DeathReason.DISCARDED,
    error='{"type":"ValueError","message":"no"}',
    report=AttemptReport(outcome="discarded", error_type="ValueError", message="no"),
)
RETRIED = Transition(state=JobState.SCHEDULED, delay=3_600, report=AttemptReport(outcome="failed"))


def claim_next(*, queue: str = "default") -> ClaimedJob:
    """Claim the job that is next in line."""
    store, me = store_for("default"), uuid4()
    identity = WorkerIdentity(
        id=me, host="here", pid=1, version="1", queues=(), handlers=(), concurrency=1
    )
    store.register_worker(identity, lease=timedelta(seconds=30))
    wanted = [WantedJobs(queue, 1)]
    [claimed] = store.claim(worker_id=me, token=uuid4(), wanted=wanted, total=1)
    return claimed


def finish_next(transition: Transition, *, queue: str = "default") -> int:
    """Claim the job that is next in line, and write what became of it; return its id."""
    claimed = claim_next(queue=queue)
    assert store_for("default").finish_many([FinishedJob(claimed, transition)]) == {claimed.id}
    return claimed.id
