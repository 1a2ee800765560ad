"""`manage.py jobqueue cancel`, `retry`, `requeue` and `discard`."""

import json
from typing import Any

import pytest
from django.core.management import CommandError

from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.models import ArchivedJob, AuditRecord, DeadJob, Job
from tests.store.helpers import make_job, unused_id

from .test_jobqueue import jobqueue

pytestmark = pytest.mark.django_db


def dead(**columns: Any) -> Any:
    return make_job(JobState.DEAD, **columns)


def told(*arguments: str) -> tuple[int, Any]:
    status, printed = jobqueue(*arguments, "--format", "json")
    return status, json.loads(printed)


def recorded() -> tuple[str, str, str, int]:
    record = AuditRecord.objects.get()
    return record.action, record.actor, record.why, record.count


class TestCancel:
    def test_what_waits_is_cancelled_and_what_runs_is_asked_to_stop(self):
        waiting = make_job(queue="mail")
        running = make_job(JobState.RUNNING, queue="mail")
        make_job(queue="reports")

        answer = jobqueue("cancel", "--queue", "mail", "--by", "ada", "--why", "INC-7")

        assert answer == (0, "1 cancelled, 1 running asked to stop\n")
        cancelled = ArchivedJob.objects.get(pk=waiting.pk)
        assert (cancelled.state, cancelled.error["message"]) == ("cancelled", "INC-7")
        running.refresh_from_db()
        assert running.cancel_requested_at is not None
        assert Job.objects.count() == 2
        assert recorded() == ("job.cancel", "ada", "INC-7", 2)

    @pytest.mark.parametrize(
        ("criterion", "columns"),
        [
            ("--handler", {"handler": "wanted"}),
            ("--queue", {"queue": "wanted"}),
            ("--tag", {"tags": ["wanted", "x"]}),
            ("--fingerprint", {"fingerprint": "wanted"}),
            ("--unique-key", {"unique_key": "wanted"}),
            ("--batch", {"batch_id": 7}),
        ],
    )
    def test_each_criterion_means_its_jobs(self, criterion: str, columns: dict[str, Any]):
        wanted, other = make_job(**columns), make_job()

        value = str(columns.get("batch_id", "wanted"))
        assert told("cancel", criterion, value) == (0, {"cancelled": 1, "asked": 0})
        assert not Job.objects.filter(pk=wanted.pk).exists()
        assert Job.objects.filter(pk=other.pk).exists()

    def test_ids_and_a_criterion_together_mean_what_matches_both(self):
        mine, other = make_job(queue="mail"), make_job()
        ids = ("--id", str(mine.pk), "--id", str(other.pk))

        assert told("cancel", *ids, "--queue", "mail")[1]["cancelled"] == 1
        assert list(Job.objects.values_list("pk", flat=True)) == [other.pk]

    def test_a_dry_run_counts_and_changes_nothing(self):
        make_job(queue="mail")
        make_job(JobState.SCHEDULED, queue="mail")
        make_job(JobState.RUNNING, queue="mail")
        dead(queue="mail")

        answer = jobqueue("cancel", "--queue", "mail", "--dry-run")

        assert answer == (0, "2 would be cancelled, 1 running would be asked to stop\n")
        assert Job.objects.filter(cancel_requested_at=None).count() == 3
        assert not AuditRecord.objects.exists()

    def test_a_running_job_alone_is_something_to_do(self):
        make_job(JobState.RUNNING, queue="mail")

        assert jobqueue("cancel", "--queue", "mail", "--dry-run")[0] == 0
        assert told("cancel", "--queue", "mail") == (0, {"cancelled": 0, "asked": 1})

    def test_where_there_is_nothing_to_do_the_status_says_so(self):
        dead(queue="mail")

        assert jobqueue("cancel", "--queue", "mail", "--dry-run")[0] == 1
        assert told("cancel", "--queue", "mail") == (1, {"cancelled": 0, "asked": 0})


class TestRetry:
    def test_waiting_retries_and_dead_letters_run_again_now(self):
        rows = [make_job(JobState.SCHEDULED, attempt=1), dead(attempt=3)]

        status, printed = jobqueue("retry", *(str(row.pk) for row in rows))

        assert (status, printed) == (0, "2 of 2 will run again now\n")
        assert list(Job.objects.values_list("state", flat=True)) == ["ready", "ready"]

    def test_what_cannot_run_again_is_told_by_the_status(self):
        dead(unique_key="k")
        make_job(unique_key="k")
        good = dead()
        taken = DeadJob.objects.exclude(unique_key=None).get()

        status, facts = told("retry", str(good.pk), str(taken.pk))

        assert (status, facts) == (1, {"count": 1, "refused": [taken.pk]})

    def test_a_single_job_that_is_nowhere_is_refused(self):
        missing = unused_id()

        with pytest.raises(CommandError, match=f"job {missing} is in no table") as refused:
            jobqueue("retry", str(missing))

        assert refused.value.returncode == 2


class TestRequeue:
    def test_dead_letters_live_again(self):
        first, second = dead(queue="mail"), dead(queue="mail")
        dead(queue="reports")

        status, printed = jobqueue("requeue", "--queue", "mail", "--by", "ada")

        assert (status, printed) == (0, f"2 requeued: {first.pk}, {second.pk}\n")
        assert recorded() == ("job.requeue", "ada", "", 2)

    def test_the_reason_of_death_the_limit_and_the_rate_narrow_it(self):
        dead(queue="mail", reason=DeathReason.POISON.value)
        for _ in range(3):
            dead(queue="mail")

        death = ("--death", "exhausted", "--limit", "2", "--rate", "1/h")
        assert len(told("requeue", "--queue", "mail", *death)[1]["ids"]) == 2
        assert sorted(Job.objects.values_list("state", flat=True)) == ["ready", "scheduled"]
        assert DeadJob.objects.count() == 2

    def test_archived_jobs_are_enqueued_again_where_they_are_asked_for(self):
        row = make_job(JobState.SUCCEEDED, queue="mail")

        assert jobqueue("requeue", "--queue", "mail")[0] == 1
        assert jobqueue("requeue", "--queue", "mail", "--state", "succeeded")[0] == 0
        assert Job.objects.get().requeued_from == row.pk

    def test_those_whose_key_is_taken_are_told(self):
        taken, other = dead(queue="mail", unique_key="k"), dead(queue="mail")
        make_job(unique_key="k")

        status, printed = jobqueue("requeue", "--queue", "mail")

        assert (status, printed.splitlines()) == (
            1,
            [
                f"1 requeued: {other.pk}",
                f"1 refused, another live job holds their unique key: {taken.pk}",
            ],
        )

    def test_of_many_the_first_are_named(self):
        ids = [dead(queue="mail").pk for _ in range(23)]

        [line] = jobqueue("requeue", "--queue", "mail")[1].splitlines()

        first = ", ".join(str(one) for one in ids[:20])
        assert line == f"23 requeued: {first} and 3 more"

    def test_a_rate_that_is_none_is_refused(self):
        dead()

        with pytest.raises(CommandError, match="must be a rate such as '100/m'") as refused:
            jobqueue("requeue", "--queue", "default", "--rate", "often")

        assert refused.value.returncode == 2


class TestDiscard:
    def test_dead_letters_are_deleted(self):
        dead(queue="mail")
        make_job(queue="mail")

        answer = jobqueue("discard", "--queue", "mail", "--why", "tests only")

        assert answer == (0, "dead letters deleted: 1\n")
        assert not DeadJob.objects.exists()
        assert Job.objects.count() == 1
        assert recorded()[2] == "tests only"

    def test_a_dry_run_counts_and_deletes_nothing(self):
        dead(queue="mail", reason=DeathReason.POISON.value)
        dead(queue="mail")

        dry_run = ("discard", "--queue", "mail", "--death", "poison", "--dry-run")

        assert jobqueue(*dry_run) == (0, "dead letters that would be deleted: 1\n")
        assert told(*dry_run) == (0, {"dead": 1})
        assert DeadJob.objects.count() == 2

    def test_where_there_is_nothing_to_do_the_status_says_so(self):
        assert told("discard", "--queue", "mail") == (1, {"discarded": 0})
        assert jobqueue("discard", "--queue", "mail", "--dry-run")[0] == 1


@pytest.mark.parametrize("verb", ["cancel", "requeue", "discard"])
class TestInput:
    def test_without_a_criterion_every_job_would_be_meant(self, verb: str):
        make_job()
        dead()

        with pytest.raises(CommandError, match="would mean every job: give at least") as refused:
            jobqueue(verb)

        assert refused.value.returncode == 2
        assert (Job.objects.count(), DeadJob.objects.count()) == (1, 1)

    @pytest.mark.parametrize(
        "wrong",
        [
            ("--queue", ""),
            ("--tag", "nul\x00"),
            ("--fingerprint", "x" * 1000),
            ("--id", "x"),
            ("--batch", "0"),
            ("--queue", "mail", "--by", ""),
            ("--queue", "mail", "--frobnicate"),
        ],
    )
    def test_bad_input_is_refused_in_a_sentence(self, verb: str, wrong: tuple[str, ...]):
        with pytest.raises(CommandError) as refused:
            jobqueue(verb, *wrong)

        assert "\n" not in str(refused.value)


def test_who_acts_is_the_user_of_the_system_unless_somebody_is_named(monkeypatch):
    monkeypatch.setenv("LOGNAME", "grace")
    make_job(queue="mail")

    jobqueue("cancel", "--queue", "mail")

    assert recorded()[1] == "grace"


def test_a_user_without_a_name_is_told_by_number(monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda number: {}[number])
    make_job(queue="mail")

    jobqueue("cancel", "--queue", "mail")

    assert recorded()[1].startswith("user ")
