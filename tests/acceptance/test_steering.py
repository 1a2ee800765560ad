"""`manage.py jobqueue` in processes of its own, beside a worker."""

import json

import pytest

from django_jobqueue import Queue
from django_jobqueue.models import AuditRecord, Job, WorkerRecord

from .jobs import work
from .processes import PATIENCE, Deployment, within

pytestmark = pytest.mark.acceptance


def test_a_paused_queue_is_told_as_the_reason_and_goes_on_when_it_is_resumed(
    deployment: Deployment,
) -> None:
    paused = deployment.run("jobqueue", "pause", "default", "--by", "ada", "--why", "deploy")
    deployment.worker()
    assert within(PATIENCE, WorkerRecord.objects.exists)
    handle = work.enqueue(1)

    asked = deployment.run("jobqueue", "why", str(handle.id), "--format", "json")
    resumed = deployment.run("jobqueue", "resume", "default")

    assert (paused.status(), asked.status(), resumed.status()) == (0, 0, 0), asked.output
    assert [one["kind"] for one in json.loads(asked.output)["blockers"]] == ["paused"]
    assert deployment.has_noted("end 1")
    first = AuditRecord.objects.earliest("id")
    assert (first.action, first.actor, first.why) == ("queue.pause", "ada", "deploy")


def test_a_wrong_line_and_nothing_to_do_have_statuses_of_their_own(deployment: Deployment) -> None:
    Queue("default").pause()
    job_id = work.enqueue(1).id

    everything = deployment.run("jobqueue", "cancel")
    wrong = deployment.run("jobqueue", "cancel", "--id", "first")
    dry_run = deployment.run("jobqueue", "cancel", "--id", str(job_id), "--dry-run")
    assert Job.objects.count() == 1
    done, again = (deployment.run("jobqueue", "cancel", "--id", str(job_id)) for _ in range(2))

    processes = (everything, wrong, dry_run, done, again)
    assert [one.status() for one in processes] == [2, 2, 0, 0, 1]
    assert "would mean every job" in everything.output
    assert "'first' is not the id of a job" in wrong.output
    assert "Traceback" not in "".join(one.output for one in processes)
    assert not Job.objects.exists()
