"""`manage.py jobqueue purge` and `prune`."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.db.models.functions import Now

from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob, AuditRecord, DeadJob, Job
from tests.store.helpers import LONG_AGO, make_job

from .test_jobqueue import jobqueue

pytestmark = pytest.mark.django_db


def told(*arguments: str) -> tuple[int, Any]:
    status, printed = jobqueue(*arguments, "--format", "json")
    return status, json.loads(printed)


def counts() -> tuple[int, int, int]:
    return ArchivedJob.objects.count(), DeadJob.objects.count(), Job.objects.count()


@pytest.fixture
def _history() -> None:
    for _ in range(2):
        make_job(JobState.SUCCEEDED, queue="mail", tags=["news"], finished_at=LONG_AGO)
    make_job(JobState.DEAD, queue="mail", finished_at=Now() - timedelta(hours=1))
    make_job(queue="mail")
    make_job(JobState.RUNNING, queue="mail")
    make_job(JobState.SUCCEEDED, queue="reports")


@pytest.mark.usefixtures("_history")
class TestPurge:
    def test_history_is_deleted_and_what_waits_is_cancelled(self):
        status, printed = jobqueue("purge", "--queue", "mail", "--by", "ada", "--why", "INC-7")

        assert (status, printed) == (
            0,
            "2 archived jobs and 1 dead letters deleted, 1 waiting jobs cancelled\n",
        )
        assert counts() == (2, 0, 1)
        cancelled = ArchivedJob.objects.get(queue="mail")
        assert (cancelled.state, cancelled.error["message"]) == ("cancelled", "INC-7")
        assert {(row.actor, row.why) for row in AuditRecord.objects.all()} == {("ada", "INC-7")}

    def test_a_dry_run_counts_and_changes_nothing(self):
        status, printed = jobqueue("purge", "--queue", "mail", "--dry-run")

        assert (status, printed) == (
            0,
            "2 archived jobs and 1 dead letters would be deleted, "
            "1 waiting jobs would be cancelled\n",
        )
        assert counts() == (3, 1, 2)
        assert not AuditRecord.objects.exists()

    def test_state_age_tag_and_limit_narrow_it(self):
        only = ("--state", "succeeded", "--older-than", "60", "--tag", "news", "--limit", "1")

        assert told("purge", *only) == (0, {"cancelled": 0, "archived": 1, "dead": 0})
        assert told("purge", "--queue", "reports", *only[:4])[0] == 1
        assert counts() == (2, 1, 2)

    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            ((), "would mean every job: give at least one of --queue"),
            (("--queue", "mail", "--state", "running"), "invalid choice"),
            (("--queue", "mail", "--id", "7"), "unrecognized arguments"),
            (("--queue", "mail", "--older-than", "soon"), "is not a number of seconds"),
            (("--queue", "mail", "--limit", "0"), "at least 1"),
        ],
    )
    def test_bad_input_is_refused(self, wrong: tuple[str, ...], why: str):
        with pytest.raises(CommandError) as refused:
            jobqueue("purge", *wrong)

        assert why in str(refused.value)
        assert counts() == (3, 1, 2)


@pytest.mark.usefixtures("_history")
class TestPrune:
    def test_what_is_past_its_retention_is_deleted(self):
        status, printed = jobqueue("prune", "--by", "ada")

        assert status == 0
        assert printed.startswith("deleted: 2 archived jobs, 0 dead letters, 0 attempts, ")
        assert counts() == (1, 1, 2)
        assert AuditRecord.objects.get().actor == "ada"

    def test_a_dry_run_counts_and_changes_nothing(self):
        status, printed = jobqueue("prune", "--dry-run")

        assert (status, printed.partition(",")[0]) == (0, "would be deleted: 2 archived jobs")
        assert counts() == (3, 1, 2)

    def test_of_one_queue_and_with_another_retention(self):
        status, facts = told("prune", "--queue", "mail", "--dead-retention", "0")

        assert (status, facts["archived"], facts["dead"]) == (0, 2, 1)
        assert counts() == (1, 0, 2)
        kept = ("--archive-retention", str(86_400 * 36_500))
        assert told("prune", "--queue", "reports", *kept)[1]["archived"] == 0

    def test_bad_input_is_refused(self):
        for wrong in (("--queue", ""), ("--dead-retention", "-1")):
            with pytest.raises(CommandError):
                jobqueue("prune", *wrong)

        assert counts() == (3, 1, 2)
