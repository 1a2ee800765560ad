"""What `manage.py jobqueue` changes of queues, limits, schedules, templates and workers."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError

from django_jobqueue import Queue, Schedule, Template, job
from django_jobqueue.core.limits import Limit
from django_jobqueue.core.states import JobState
from django_jobqueue.models import AuditRecord, Job, LimitRecord, QueueRecord, WorkerRecord
from django_jobqueue.store import store_for
from tests.store.helpers import make_job, register_worker

from .test_jobqueue import jobqueue

pytestmark = pytest.mark.django_db


@job(name="tests.steering.report")
def report(week: int = 1) -> None: ...


def told(*arguments: str) -> tuple[int, Any]:
    status, printed = jobqueue(*arguments, "--format", "json")
    return status, json.loads(printed)


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as error:
        jobqueue(*arguments)
    assert error.value.returncode in (1, 2)  # 1 is argparse's within a process
    return str(error.value)


def recorded() -> list[tuple[str, str, str, str]]:
    rows = AuditRecord.objects.order_by("id")
    return list(rows.values_list("action", "subject", "actor", "why"))


class TestQueues:
    def test_a_queue_is_paused_for_a_reason_until_a_time(self):
        until = ("--until", "2100-01-01T13:00:00+01:00")

        answer = jobqueue("pause", "mail", "--why", "provider", "--by", "ada", *until)

        assert answer == (0, "queue 'mail' is paused until 2100-01-01 12:00:00 UTC\n")
        stats = Queue("mail").stats()
        assert (stats.pause_reason, stats.paused_until.year) == ("provider", 2100)
        assert recorded() == [("queue.pause", "mail", "ada", "provider")]

    def test_a_queue_goes_on_and_one_that_was_not_paused_is_told_by_the_status(self):
        Queue("mail").pause()

        assert jobqueue("resume", "mail") == (0, "queue 'mail' goes on\n")
        assert told("resume", "mail") == (1, {"queue": "mail", "resumed": False})
        assert Queue("mail").stats().paused_at is None

    def test_what_is_no_time_or_no_moment_is_refused(self):
        assert "is not a time such as" in refused("pause", "mail", "--until", "tomorrow")
        assert "aware" in refused("pause", "mail", "--until", "2100-01-01T12:00:00")
        assert "queue" in refused("pause", "")
        assert not QueueRecord.objects.exists()


class TestConfigure:
    def test_what_is_named_is_set_and_the_rest_stays(self):
        Queue("mail").configure(rate="1/s", dead_retention=60)
        settings = ("--max-running", "5", "--max-attempts", "7", "--archive-retention", "3600")

        answer = jobqueue("configure", "mail", *settings, "--default", "rate", "--by", "ada")

        row = QueueRecord.objects.get()
        assert answer[0] == 0
        assert (row.max_running, row.max_attempts, row.rate) == (5, 7, None)
        assert (row.archive_retention_seconds, row.dead_retention_seconds) == (3600, 60)
        assert recorded()[-1] == ("queue.configure", "mail", "ada", "")

    def test_what_was_set_is_told(self):
        status, facts = told("configure", "mail", "--dead-retention", "60", "--default", "backoff")

        assert (status, facts["queue"]) == (0, "mail")
        assert list(facts["set"]) == ["dead_retention", "backoff"]

    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            (("mail",), "this sets nothing: give one of --concurrency, "),
            (("mail", "--rate", "1/s", "--default", "rate"), "--rate is given, and its default"),
            (("mail", "--default", "color"), "invalid choice"),
            (("mail", "--max-attempts", "0"), "at least 1"),
            (("mail", "--rate", "often"), "must be a rate"),
            (("", "--max-running", "1"), "queue"),
        ],
    )
    def test_bad_input_is_refused(self, wrong: tuple[str, ...], why: str):
        assert why in refused("configure", *wrong)
        assert not QueueRecord.objects.exists()


class TestDrain:
    def test_a_queue_without_due_work_is_drained(self):
        make_job(JobState.SCHEDULED, queue="mail")
        make_job(queue="reports")

        assert jobqueue("drain", "mail") == (0, "queue 'mail' is drained\n")

    @pytest.mark.django_db(transaction=True)
    def test_one_that_still_has_some_is_told_by_the_status(self):
        make_job(queue="mail")

        assert jobqueue("drain", "mail", "--timeout", "0")[0] == 1
        facts = {"queue": "mail", "drained": False}
        assert told("drain", "mail", "--timeout", "0") == (1, facts)


class TestLimits:
    def test_the_limit_of_a_handler_is_set_and_cleared(self):
        name = ("handler", "tests.steering.report")

        answer = jobqueue("limits", "set", *name, "--max-running", "2", "--by", "ada")

        assert answer == (0, "the limit of handler 'tests.steering.report' is set\n")
        row = LimitRecord.objects.get()
        assert (row.max_running, row.rate, row.set_at is not None) == (2, None, True)
        assert recorded() == [("limit.set", "handler:tests.steering.report", "ada", "")]
        assert jobqueue("limits", "clear", *name)[0] == 0
        assert jobqueue("limits", "clear", *name)[0] == 1

    def test_the_limit_of_a_key_is_set(self):
        settings = ("--rate", "100/m", "--rate-burst", "5")

        status, facts = told("limits", "set", "key", "account:7", *settings)

        assert (status, facts["set"]) == (0, {"rate": "100/m", "rate_burst": 5})
        assert LimitRecord.objects.get().rate_burst == 5

    def test_the_limit_of_a_queue_is_set_whole_and_cleared(self):
        jobqueue("limits", "set", "queue", "mail", "--rate", "1/s", "--concurrency", "3")
        jobqueue("limits", "set", "queue", "mail", "--max-running", "2")

        row = QueueRecord.objects.get()
        assert (row.max_running, row.rate, row.rate_burst, row.concurrency) == (2, None, 1, None)
        assert store_for("default").limits_in_force().queues["mail"].limit == Limit(max_running=2)
        assert jobqueue("limits", "clear", "queue", "mail")[0] == 0
        assert told("limits", "clear", "queue", "mail")[1]["cleared"] is False
        assert store_for("default").limits_in_force().queues == {}

    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            (("queue", "mail"), "sets nothing"),
            (("queue", "mail", "--rate-burst", "3"), "sets nothing"),
            (("queue", "mail", "--max-running", "0"), "at least 1"),
            (("queue", "mail", "--rate", "often"), "must be a rate"),
            (("key", "k", "--concurrency", "3"), "is for a queue"),
            (("color", "k", "--max-running", "3"), "invalid choice"),
            (("handler", "", "--max-running", "3"), "text of one character"),
        ],
    )
    def test_bad_input_is_refused(self, wrong: tuple[str, ...], why: str):
        assert why in refused("limits", "set", *wrong)
        assert not LimitRecord.objects.exists()
        assert not QueueRecord.objects.exists()


class TestSchedules:
    def test_a_schedule_is_paused_and_goes_on(self):
        report.using(cron="0 0 1 1 *", schedule="yearly").enqueue()

        assert jobqueue("schedules", "pause", "yearly", "--why", "audit", "--by", "ada")[0] == 0
        assert Schedule("yearly").snapshot.pause_reason == "audit"
        assert recorded()[-1] == ("schedule.pause", "yearly", "ada", "audit")
        assert jobqueue("schedules", "resume", "yearly") == (0, "schedule 'yearly' goes on\n")
        assert told("schedules", "resume", "yearly")[0] == 1

    def test_one_that_does_not_exist_is_refused(self):
        assert "nightly" in refused("schedules", "pause", "nightly")


class TestTemplates:
    def test_a_copy_is_enqueued_with_other_arguments(self):
        Template("weekly").save(report, week=1)

        status, printed = jobqueue("templates", "run", "weekly", "--argument", "week=7")

        row = Job.objects.get()
        assert (status, printed) == (0, f"job {row.pk} enqueued\n")
        assert (row.payload["kwargs"], row.template) == ({"week": 7}, "weekly")

    def test_who_enqueued_a_copy_is_recorded(self):
        Template("weekly").save(report, week=1)

        assert jobqueue("templates", "run", "weekly", "--by", "ada", "--why", "late")[0] == 0

        assert recorded()[-1] == ("template.enqueue", "weekly", "ada", "late")

    def test_one_whose_key_is_taken_is_told_by_the_status(self):
        Template("once").save(report.using(unique_key="k"), week=1)

        first = told("templates", "run", "once")[1]
        status, again = told("templates", "run", "once")

        assert (status, again) == (1, {"job_id": first["job_id"], "created": False})

    @pytest.mark.parametrize("wrong", ["week", "=1", "week=", "week=seven", "month=1"])
    def test_arguments_that_cannot_be_are_refused(self, wrong: str):
        Template("weekly").save(report, week=1)

        refused("templates", "run", "weekly", "--argument", wrong)

        assert not Job.objects.exists()

    def test_one_that_does_not_exist_is_refused(self):
        assert "nightly" in refused("templates", "run", "nightly")


class TestWorkers:
    def test_a_living_worker_is_asked_to_stop(self):
        worker_id = register_worker()

        answer = jobqueue("workers", "stop", str(worker_id), "--by", "ada")

        assert answer == (0, f"worker {worker_id} was asked to stop\n")
        assert WorkerRecord.objects.get().stop_requested_at is not None
        assert recorded() == [("worker.stop", str(worker_id), "ada", "")]

    def test_one_that_is_not_alive_is_told_by_the_status(self):
        assert told("workers", "stop", str(uuid4()))[0] == 1
        assert recorded() == []

    def test_what_is_no_id_is_refused(self):
        assert "invalid UUID" in refused("workers", "stop", "first")
