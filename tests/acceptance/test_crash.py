"""A worker that is killed or paused, as the system does without asking."""

import signal
from collections import Counter

import pytest

from django_jobqueue import JobState
from django_jobqueue.core.states import WorkerState
from django_jobqueue.models import ArchivedJob, DeadJob, Job, QueueRecord, WorkerRecord

from .jobs import tell_attempt, wait_for, work, write_and_die
from .processes import PATIENCE, Deployment, within

pytestmark = pytest.mark.acceptance

JOBS = 500


def test_a_worker_killed_in_the_middle_of_its_jobs_loses_none_and_doubles_none(
    deployment: Deployment,
) -> None:
    handles = work.enqueue_many([{"number": number, "seconds": 0.01} for number in range(JOBS)])
    ids = {handle.id for handle in handles}
    victim = deployment.worker()
    assert within(PATIENCE, lambda: len(deployment.journal) > JOBS // 4)
    victim.kill_with_children()
    in_flight = Counter(line.split()[1] for line in deployment.journal)
    assert 1 in in_flight.values(), "nothing ran when it was killed, so nothing was shown"
    assert Job.objects.filter(state="running").exists()

    deployment.worker()

    assert within(PATIENCE, lambda: not Job.objects.exists())
    assert set(ArchivedJob.objects.values_list("pk", flat=True)) == ids
    assert not DeadJob.objects.exists()
    assert sorted(ArchivedJob.objects.values_list("result", flat=True)) == list(range(JOBS))
    ended = Counter(line.split()[1] for line in deployment.journal if line.startswith("end"))
    assert set(ended) == {str(number) for number in range(JOBS)}
    rescued = ArchivedJob.objects.filter(attempt__gt=1)
    assert not rescued.exists(), "a rescued attempt is given back"


def test_what_a_transactional_handler_did_is_undone_when_it_dies_before_the_commit(
    deployment: Deployment,
) -> None:
    handle = write_and_die.enqueue()

    deployment.worker()

    assert within(PATIENCE, lambda: not Job.objects.exists())
    assert deployment.journal == ["died"]
    assert handle.refresh().state == JobState.SUCCEEDED
    assert handle.snapshot.rescues == 1
    assert [row.name for row in QueueRecord.objects.all()] == ["effect of run 2"]


def test_a_worker_paused_past_its_lease_changes_nothing_and_goes_on_as_another(
    deployment: Deployment,
) -> None:
    gate = deployment.folder / "gate"
    handle = wait_for.enqueue(str(gate))
    paused = deployment.worker("--processes", "0", "--concurrency", "1")
    assert deployment.has_noted("start waiting")
    first = Job.objects.get().claim_token

    paused.send(signal.SIGSTOP)
    successor = deployment.worker("--processes", "0", "--concurrency", "1")
    assert within(PATIENCE, lambda: deployment.journal.count("start waiting") == 2)
    assert Job.objects.get().claim_token not in (None, first)

    # Held still, so that the late report comes while the successor's own run is in flight.
    successor.send(signal.SIGSTOP)
    gate.touch()
    paused.send(signal.SIGCONT)
    alive = WorkerRecord.objects.filter(state=WorkerState.ALIVE, pid=paused.pid)
    assert within(PATIENCE, lambda: "end waiting" in deployment.journal and alive.exists())
    after = tell_attempt.enqueue()
    assert after.wait(PATIENCE).state == JobState.SUCCEEDED
    assert paused.says("worker.declared_dead")
    assert paused.says("job.finish_was_stale")
    assert not ArchivedJob.objects.filter(pk=handle.id, claim_token=first).exists()

    successor.send(signal.SIGCONT)
    assert handle.wait(PATIENCE).state == JobState.SUCCEEDED
    assert ArchivedJob.objects.get(pk=handle.id).claim_token != first
    assert WorkerRecord.objects.filter(pid=paused.pid).count() == 2
