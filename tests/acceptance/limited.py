"""Jobs under a limit across worker processes of which some are killed."""

import os
import signal
from contextlib import suppress

from django_jobqueue.models import ArchivedJob, Job, WorkerRecord

from .jobs import work
from .leased import counting_leases, most_leased
from .processes import Deployment, within

LIMIT, JOB_SECONDS = 3, 0.05


def most_at_once(
    deployment: Deployment, *, jobs: int, kills: int, processes: int, patience: float
) -> int:
    """Run `jobs` of one key; kill a child that has one of them, again and again.

    Return how many were leased at once; AssertionError if they do not all succeed in time.
    """
    calls = [{"number": number, "seconds": JOB_SECONDS} for number in range(jobs)]
    work.using(concurrency_key="partner", key_limit=LIMIT).enqueue_many(calls)
    with counting_leases():
        worker = deployment.worker("--processes", str(processes))
        try:
            for kill in range(kills):
                due = jobs * (kill + 1) // (kills + 2)
                assert within(patience, lambda due=due: ArchivedJob.objects.count() >= due)
                assert within(patience, kill_one_that_has_a_job), "no child had a job"
            assert within(patience, lambda: not Job.objects.exists()), worker.output
        finally:
            worker.kill_with_children()
        assert ArchivedJob.objects.filter(state="succeeded").count() == jobs
        return most_leased()


def kill_one_that_has_a_job() -> bool:
    for worker_id in Job.objects.filter(state="running").values_list("worker_id", flat=True):
        for pid in WorkerRecord.objects.filter(id=worker_id).values_list("pid", flat=True):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return True
    return False
