"""What `manage.py jobqueue` lists: numbers, workers, limits, schedules and templates."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.db.models.functions import Now

from django_jobqueue import Queue, Schedule, Template, job, set_limit
from django_jobqueue.core.states import JobState
from django_jobqueue.models import LimitRecord, WorkerRecord
from django_jobqueue.models import Schedule as ScheduleRow
from django_jobqueue.store import store_for
from tests.store.helpers import LONG_AGO, make_job, register_worker

from .test_jobqueue import jobqueue

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


@job(name="tests.listing.limited", max_running=3, rate="100/m", concurrency=2, schedulable=True)
def limited(week: int = 1) -> None: ...


def told(*arguments: str) -> Any:
    status, printed = jobqueue(*arguments, "--format", "json")
    assert status == 0
    return json.loads(printed)


def lines(*arguments: str) -> list[list[str]]:
    """The columns of each line, which are two spaces apart or more."""
    status, printed = jobqueue(*arguments)
    assert status == 0
    return [[one for one in line.split("  ") if one] for line in printed.splitlines()]


class TestStats:
    def test_every_queue_that_has_jobs_or_a_row_is_told(self):
        make_job(queue="ready", ready_at=LONG_AGO)
        make_job(JobState.SCHEDULED, queue="scheduled")
        make_job(JobState.BLOCKED, queue="blocked")
        make_job(JobState.RUNNING, queue="running")
        make_job(JobState.DEAD, queue="dead")
        make_job(JobState.SUCCEEDED, queue="archived")
        Queue("paused").pause("deploy")

        told_of = {one["queue"]: one for one in told("stats")}

        assert list(told_of) == sorted(told_of)
        counts = {name: told_of[name][name] for name in told_of if name in told_of[name]}
        states = ("ready", "scheduled", "blocked", "running", "dead")
        assert counts == dict.fromkeys(sorted(states), 1)
        assert told_of["archived"]["finished_last_minute"] == 1
        assert told_of["paused"]["pause_reason"] == "deploy"
        assert told_of["ready"]["oldest_wait"] > 0

    def test_people_get_a_table(self):
        make_job(JobState.RUNNING, queue="mail")
        Queue("mail").pause("de\nploy\x1b[2J")

        headers, row = lines("stats", "--queue", "mail")

        assert headers[0] == "queue"
        numbers = ["mail", "0", "0", "0", "1", "0", "0.0 s", "0"]
        assert [one.strip() for one in row] == [*numbers, "de\\nploy\\u001b[2J"]

    def test_only_the_queues_that_are_named_are_told_each_once(self):
        make_job(queue="reports")

        named = ("--queue", "mail", "--queue", "reports", "--queue", "mail")

        assert [one["queue"] for one in told("stats", *named)] == ["mail", "reports"]

    def test_a_site_without_jobs_has_headers_alone(self):
        assert len(lines("stats")) == 1
        assert told("stats") == []

    def test_a_name_that_no_queue_has_is_refused(self):
        with pytest.raises(CommandError) as refused:
            jobqueue("stats", "--queue", "")

        assert refused.value.returncode == 2


class TestWorkers:
    def test_the_living_are_told_and_with_all_the_others(self):
        living, lapsed, stopped, stopping = (register_worker() for _ in range(4))
        WorkerRecord.objects.filter(pk=lapsed).update(lease_expires_at=LONG_AGO)
        store_for("default").deregister_worker(stopped)
        WorkerRecord.objects.filter(pk=stopping).update(stop_requested_at=Now(), queues=[])

        states = {row[0]: row[3].strip() for row in lines("workers", "list", "--all")[1:]}

        assert states == {
            str(living): "alive",
            str(lapsed): "lease lapsed",
            str(stopped): "stopped",
            str(stopping): "stopping",
        }
        found = {one["id"]: one for one in told("workers", "list")}
        assert set(found) == {str(living), str(stopping)}
        assert found[str(living)]["handlers"] == ["tests.handler"]


class TestLimits:
    def test_what_code_operators_and_workers_say_is_told_with_who_said_it(self):
        Queue("mail").configure(max_running=5, concurrency=2)
        LimitRecord.objects.create(kind="queue", name="mail", next_at=NOON)
        LimitRecord.objects.create(kind="handler", name="elsewhere", max_running=1)
        set_limit("key", "account:7", rate="1/s", rate_burst=4)

        found = {(one["kind"], one["name"]): one for one in told("limits", "show")}

        mine = ("handler", "tests.listing.limited")
        assert found[mine]["said_by"] == "code"
        assert (found[mine]["max_running"], found[mine]["concurrency"]) == (3, 2)
        queue = found["queue", "mail"]
        assert (queue["said_by"], queue["max_running"], queue["concurrency"]) == ("operator", 5, 2)
        assert found["handler", "elsewhere"]["said_by"] == "worker"
        key = found["key", "account:7"]
        assert (key["said_by"], key["rate"], key["rate_burst"]) == ("operator", "1/s", 4)

    def test_what_an_operator_has_set_of_a_handler_is_told_in_place_of_the_code(self):
        set_limit("handler", limited, max_running=1)

        [row] = [one for one in lines("limits", "show") if one[1].strip() == limited.handler.name]

        told_row = [one.strip() for one in row]
        assert told_row == ["handler", "tests.listing.limited", "2", "1", "-", "-", "operator"]


class TestSchedules:
    def test_each_tells_its_rule_and_how_it_stands(self):
        limited.using(cron="0 7 * * 1", timezone="Europe/Berlin", schedule="a").enqueue()
        limited.using(every=timedelta(hours=1), schedule="b").enqueue()
        Schedule("b").pause("deploy")
        limited.using(cron="0 7 * * 1", schedule="c").enqueue()
        ScheduleRow.objects.filter(name="c").update(disabled_at=Now(), disabled_reason="gone")

        rows = {row[0].strip(): [one.strip() for one in row] for row in lines("schedules", "list")}

        assert rows["a"][1:4] == ["0 7 * * 1 Europe/Berlin", "call", "active"]
        assert rows["b"][1:4] == ["every 1:00:00", "call", "paused: deploy"]
        assert rows["c"][3] == "disabled: gone"

    def test_arguments_are_not_told(self):
        limited.using(cron="0 7 * * 1", schedule="a").enqueue(4711)

        [facts] = told("schedules", "list")

        assert facts["handler"] == "tests.listing.limited"
        assert "4711" not in json.dumps(facts)

    def test_the_next_slots_are_previewed(self):
        limited.using(cron="0 0 1 1 *", schedule="a").enqueue()

        status, printed = jobqueue("schedules", "preview", "a", "--count", "3")

        found = printed.splitlines()
        assert (status, len(found)) == (0, 3)
        assert all(line.endswith("-01-01 00:00:00 UTC") for line in found)
        assert len(told("schedules", "preview", "a")) == 10

    def test_a_disabled_one_has_no_next_slot(self):
        limited.using(cron="0 0 1 1 *", schedule="a").enqueue()
        ScheduleRow.objects.update(disabled_at=Now(), next_slot=None)

        assert jobqueue("schedules", "preview", "a") == (1, "no slot is known\n")

    def test_a_schedule_that_does_not_exist_is_refused(self):
        with pytest.raises(CommandError, match="nightly") as refused:
            jobqueue("schedules", "preview", "nightly")

        assert refused.value.returncode == 2


def test_templates_are_told_by_name_with_their_handler():
    Template("weekly").save(limited, 4711)

    assert told("templates", "list") == [{"name": "weekly", "handler": "tests.listing.limited"}]
    assert lines("templates", "list")[1] == ["weekly", "tests.listing.limited"]


@pytest.mark.parametrize("group", ["workers", "limits", "schedules", "templates"])
def test_a_group_says_what_it_can_do(group: str):
    with pytest.raises(CommandError, match="WHAT"):
        jobqueue(group)
