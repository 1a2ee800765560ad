"""`manage.py jobqueue check-queued` before a deploy: the new release in a process of its own."""

import json
from pathlib import Path

import pytest

from .processes import Deployment, Process

pytestmark = pytest.mark.acceptance

RELEASES = "tests.acceptance.releases"
ENQUEUE = f"""
from {RELEASES}.first.jobs import charge, remind
charge.enqueue(account=1)
charge.using(delay=3600, queue="later").enqueue(account=2)
remind.enqueue(account=3)
"""


def check(deployment: Deployment, release: str, *options: str) -> Process:
    """Run the check of a release, on what the first one has enqueued."""
    deployment.environment["JOBQUEUE_APPS"] = f"{RELEASES}.first"
    enqueued = deployment.run("shell", "-c", ENQUEUE)
    assert enqueued.status() == 0, enqueued.output
    deployment.environment["JOBQUEUE_APPS"] = f"{RELEASES}.{release}"
    return deployment.run("jobqueue", "check-queued", *options)


def test_the_same_release_may_be_deployed(deployment: Deployment) -> None:
    checked = check(deployment, "first")

    assert checked.status() == 0, checked.output
    assert "looked at 3 jobs, 0 batches, 0 schedules, 0 templates: all fit" in checked.output


def test_a_release_without_a_handler_of_waiting_jobs_fails(deployment: Deployment) -> None:
    checked = check(deployment, "without_a_handler")

    assert checked.status() == 1, checked.output
    assert "2 jobs of 'releases.charge', handler_missing:" in checked.output
    assert "no handler named 'releases.charge' is registered" in checked.output
    assert "releases.remind" not in checked.output.splitlines()[0]


def test_a_release_that_renamed_a_parameter_of_waiting_jobs_fails(deployment: Deployment) -> None:
    checked = check(deployment, "with_a_new_parameter", "--format", "json")

    assert checked.status() == 1, checked.output
    told = json.loads(checked.output)
    assert (told["fits"], told["looked_at"]["job"]) == (False, 3)
    [misfit] = told["misfits"]
    assert (misfit["handler"], misfit["reason"], misfit["count"]) == (
        "releases.charge",
        "unprocessable",
        2,
    )
    [example] = misfit["examples"]
    assert "there is no argument 'account'. Did you mean 'account_id'?" in example["why"]


def test_only_the_named_queues_keep_a_release_back(deployment: Deployment) -> None:
    other = check(deployment, "without_a_handler", "--queue", "mail")
    later = deployment.run("jobqueue", "check-queued", "--queue", "mail", "--queue", "later")

    assert (other.status(), later.status()) == (0, 1), other.output + later.output
    assert "job of 'releases.charge'" in later.output


def test_a_database_that_cannot_be_asked_is_no_success(
    deployment: Deployment, tmp_path: Path
) -> None:
    nowhere = f"sqlite:///{tmp_path}/no/where.sqlite3"

    away = deployment.run("jobqueue", "check-queued", url=nowhere)
    wrong = deployment.run("jobqueue", "check-queued", "--queue", "")

    assert (away.status(), wrong.status()) == (3, 2), away.output + wrong.output
    assert "Traceback" not in away.output + wrong.output
