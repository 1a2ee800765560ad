"""What every store must do with schedules and templates, in sentences."""

import json
from datetime import timedelta
from typing import Any

import pytest

from django_jobqueue.core.cron import Cron, CronString, Rule, every
from django_jobqueue.core.schedule_errors import InvalidSchedule, ScheduleNotFound, TemplateNotFound
from django_jobqueue.core.schedules import Missed, Overlap, Source, StoredTemplate
from django_jobqueue.core.specs import NewJob
from django_jobqueue.core.states import JobState
from django_jobqueue.models import Job, Schedule, ScheduleSlot
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .schedules import MINUTE, NOON, a_schedule, fire, minutes_of, save, slots_of_jobs, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


class TestPausing:
    def test_slots_pass_with_the_reason_and_go_on_afterwards(self, store: JobStore) -> None:
        save(store)
        store.pause_schedule("nightly", reason="holidays")
        fire(store, minutes=0)
        assert store.find_schedule("nightly").pause_reason == "holidays"

        assert store.resume_schedule("nightly") is True
        fire(store, minutes=5)

        assert slots_of_jobs() == [5]
        assert told(store) == [(0, "paused: holidays"), (5, "")]
        assert store.resume_schedule("nightly") is False

    def test_saving_it_again_keeps_the_pause(self, store: JobStore) -> None:
        save(store)
        store.pause_schedule("nightly")
        save(store, rule=every(60))

        assert store.find_schedule("nightly").paused_at is not None


class TestWhatCannotBe:
    def test_an_unknown_zone_disables_its_schedule_and_the_others_go_on(
        self, store: JobStore
    ) -> None:
        for name in "abc":
            save(store, name)
        Schedule.objects.filter(name="b").update(timezone="Mars/Olympus")

        fired = fire(store, minutes=0)

        assert [one.schedule for one in fired.slots] == ["a", "c"]
        [(name, reason)] = fired.disabled
        assert name == "b"
        assert "Mars/Olympus" in reason
        assert store.find_schedule("b").disabled_reason == reason
        assert [one.schedule for one in fire(store, minutes=5).slots] == ["a", "c"]

    def test_it_is_enabled_again_once_the_zone_is_known(self, store: JobStore) -> None:
        save(store)
        Schedule.objects.update(timezone="Mars/Olympus")
        fire(store, minutes=0)
        with pytest.raises(InvalidSchedule, match="Mars/Olympus"):
            store.resume_schedule("nightly", now=NOON)

        Schedule.objects.update(timezone="UTC")
        assert store.resume_schedule("nightly", now=NOON + MINUTE) is True

        assert minutes_of([store.find_schedule("nightly").next_slot]) == [5]

    @pytest.mark.parametrize(
        "columns",
        [
            {"cron": "no cron"},
            {"cron": "*/5 * * * *", "all_must_match": True},
            {"missed": "maybe"},
            {"options": {"priority": "high"}},
            {"options": ["a", "list"]},
            {"jitter_seconds": 1e300},
            {"cron": "", "every_seconds": 0.0},
        ],
    )
    def test_a_row_that_cannot_be_read_is_disabled_and_can_be_looked_at(
        self, store: JobStore, columns: dict[str, Any]
    ) -> None:
        save(store, "broken")
        save(store, "sound")
        Schedule.objects.filter(name="broken").update(**columns)

        fired = fire(store, minutes=0)

        assert [one.schedule for one in fired.slots] == ["sound"]
        [(name, reason)] = fired.disabled
        assert (name, bool(reason)) == ("broken", True)
        assert store.find_schedule("broken").disabled_at is not None
        assert fire(store, minutes=0).disabled == ()

    def test_a_payload_that_no_job_may_have_is_disabled_and_leaves_no_slot(
        self, store: JobStore
    ) -> None:
        save(store)
        Schedule.objects.update(options={"queue": "q" * 500})

        fired = fire(store, minutes=0)

        if store.supports_notify:  # SQLite keeps texts of any length
            assert [name for name, _ in fired.disabled] == ["nightly"]
            assert not ScheduleSlot.objects.exists()
        else:
            assert slots_of_jobs() == [0]


class TestSaving:
    @pytest.mark.parametrize(
        "rule",
        [
            CronString("0 4 * * 1-5", timezone="Europe/Berlin"),
            Cron(day_of_month=13, day_of_week=5, timezone="America/New_York"),
            every(timedelta(milliseconds=90_500)),
            every(60, after="finish"),
        ],
    )
    def test_the_terms_come_back_as_they_were(self, store: JobStore, rule: Rule) -> None:
        new = a_schedule(
            rule=rule,
            missed=Missed.ALL,
            missed_cap=7,
            overlap=Overlap.SKIP,
            jitter=timedelta(seconds=1.5),
        )
        store.save_schedule(new)

        found = store.find_schedule("nightly")
        assert found.terms == new.terms
        assert (found.source, found.handler) == (Source.CALL, "shop.clean")

    def test_a_span_begins_when_it_is_saved(self, store: JobStore) -> None:
        save(store, rule=every(300))
        assert minutes_of([store.find_schedule("nightly").next_slot]) == [4]

    def test_the_same_again_changes_nothing(self, store: JobStore) -> None:
        new = a_schedule(rule=every(300))
        assert store.save_schedule(new, now=NOON) is True
        assert store.save_schedule(new, now=NOON + 2 * MINUTE) is False

        assert minutes_of([store.find_schedule("nightly").next_slot]) == [5]

    def test_other_arguments_keep_the_next_slot_and_another_rule_does_not(
        self, store: JobStore
    ) -> None:
        save(store, rule=every(300))
        job = NewJob(handler="shop.clean", payload='{"args":[1],"kwargs":{}}')

        assert store.save_schedule(a_schedule(rule=every(300), job=job), now=NOON) is True
        assert minutes_of([store.find_schedule("nightly").next_slot]) == [4]
        assert store.save_schedule(a_schedule(rule=every(60), job=job), now=NOON) is True
        assert minutes_of([store.find_schedule("nightly").next_slot]) == [1]
        assert Schedule.objects.get().payload == {"args": [1], "kwargs": {}}

    def test_a_name_that_does_not_exist_is_told(self, store: JobStore) -> None:
        for ask in (
            store.find_schedule,
            store.slots_of,
            store.pause_schedule,
            store.resume_schedule,
            store.delete_schedule,
            store.enqueue_schedule,
        ):
            with pytest.raises(ScheduleNotFound, match="gone"):
                ask("gone")

    def test_deleting_leaves_the_jobs(self, store: JobStore) -> None:
        save(store)
        fire(store, minutes=0)
        store.delete_schedule("nightly")

        assert not Schedule.objects.exists()
        assert not ScheduleSlot.objects.exists()
        assert slots_of_jobs() == [0]

    def test_its_job_can_be_enqueued_at_once_and_is_no_slot(self, store: JobStore) -> None:
        save(store, jitter=timedelta(hours=1))
        job, inserted = store.enqueue_schedule("nightly")

        found = store.find(inserted.id)
        assert found is not None
        assert (found.state, found.schedule, found.slot) == (JobState.READY, "nightly", None)
        assert job.queue == "cleaning"
        assert store.slots_of("nightly") == []


class TestDeclaring:
    def declare(self, store: JobStore, *names: str, **more: Any) -> Any:
        declared = [a_schedule(name, source=Source.CODE, **more) for name in names]
        return store.declare_schedules(declared, now=NOON)

    def test_what_is_new_is_added_and_what_is_there_stays(self, store: JobStore) -> None:
        assert self.declare(store, "b", "a").added == ("a", "b")
        assert self.declare(store, "a", "b") == self.declare(store, "b", "a")
        assert self.declare(store, "a", "b", rule=every(60)).changed == ("a", "b")

    def test_what_is_declared_no_more_is_disabled_and_comes_back_when_it_is(
        self, store: JobStore
    ) -> None:
        self.declare(store, "a", "b")
        assert self.declare(store, "a").disabled == (("b", "no longer declared"),)
        assert [one.schedule for one in fire(store, minutes=5).slots] == ["a"]
        with pytest.raises(InvalidSchedule, match="declare it again"):
            store.resume_schedule("b")

        assert self.declare(store, "a").disabled == ()
        assert self.declare(store, "a", "b").changed == ("b",)
        assert store.find_schedule("b").disabled_at is None

    def test_what_was_made_at_run_time_is_none_of_its_business(self, store: JobStore) -> None:
        save(store, "mine")
        assert self.declare(store) == self.declare(store)
        assert store.find_schedule("mine").disabled_at is None

    def test_an_unknown_zone_is_told_and_hinders_no_other(self, store: JobStore) -> None:
        lost = a_schedule(
            "lost", source=Source.CODE, rule=CronString("0 0 * * *", timezone="Mars/Olympus")
        )
        found = a_schedule("found", source=Source.SETTINGS)

        done = store.declare_schedules([lost, found], now=NOON)

        [(name, reason)] = done.disabled
        assert (name, "Mars/Olympus" in reason) == ("lost", True)
        assert [one.schedule for one in fire(store, minutes=5).slots] == ["found"]

    def test_nobody_else_may_change_or_delete_it(self, store: JobStore) -> None:
        self.declare(store, "a")
        with pytest.raises(InvalidSchedule, match="declared in code"):
            store.save_schedule(a_schedule("a"))
        with pytest.raises(InvalidSchedule, match="declared in code"):
            store.delete_schedule("a")

        self.declare(store)
        store.delete_schedule("a")
        assert not Schedule.objects.exists()


class TestTemplates:
    def save(self, store: JobStore, **kwargs: Any) -> None:
        payload = json.dumps({"args": [], "kwargs": kwargs})
        template = StoredTemplate(
            name="report", handler="shop.report", payload=payload, options={"priority": 3}
        )
        job = NewJob(handler="shop.report", payload=payload, priority=3, template="report")
        store.save_template(template, job=job)

    def test_it_comes_back_as_it_was_saved_last(self, store: JobStore) -> None:
        self.save(store, week=1)
        self.save(store, week=2)

        found = store.find_template("report")
        assert (found.handler, found.options) == ("shop.report", {"priority": 3})
        assert json.loads(found.payload) == {"args": [], "kwargs": {"week": 2}}

    def test_schedules_that_name_it_enqueue_what_it_says_now(self, store: JobStore) -> None:
        self.save(store, week=1)
        save(store, job=NewJob(handler="shop.report", template="report"))
        self.save(store, week=2)

        fire(store, minutes=0)

        job = Job.objects.get()
        assert (job.template, job.schedule, job.priority) == ("report", "nightly", 3)
        assert job.payload["kwargs"] == {"week": 2}

    def test_it_is_deleted_only_when_no_schedule_names_it(self, store: JobStore) -> None:
        self.save(store)
        save(store, job=NewJob(handler="shop.report", template="report"))
        with pytest.raises(InvalidSchedule, match="'nightly'"):
            store.delete_template("report")

        store.delete_schedule("nightly")
        store.delete_template("report")
        for ask in (store.find_template, store.delete_template):
            with pytest.raises(TemplateNotFound, match="report"):
                ask("report")
