"""Schedules made at run time, and the handle to one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from django_jobqueue import (
    Cron,
    InvalidHandler,
    InvalidOptions,
    InvalidSchedule,
    JobState,
    Schedule,
    ScheduleNotFound,
    UnknownTimeZone,
    every,
    job,
)
from django_jobqueue.jobs.registry import Registry
from django_jobqueue.models import Job
from django_jobqueue.models import Schedule as Row

from .recurring import Tidy, report

pytestmark = pytest.mark.django_db


def needs_one(week: int) -> None: ...


def needs_none(week: int = 1) -> None: ...


class TestUsing:
    def test_cron_makes_a_schedule_of_the_call(self) -> None:
        schedule = report.using(
            cron="0 7 * * 1", timezone="Europe/Berlin", tags=["weekly"], schedule="weekly"
        ).enqueue(5, detailed=True)

        assert schedule == Schedule("weekly")
        row = Row.objects.get()
        assert (row.handler, row.source, row.timezone) == ("tests.report", "call", "Europe/Berlin")
        assert row.payload == {"args": [], "kwargs": {"week": 5, "detailed": True}}
        assert (row.options["queue"], row.options["priority"]) == ("reports", 4)
        assert not Job.objects.exists()

    def test_the_same_call_again_is_the_same_schedule(self) -> None:
        first = report.using(every=60).enqueue(week=1)
        again = report.using(every=120).enqueue(1)
        other = report.using(every=60).enqueue(week=2)

        assert first == again
        assert first != other
        assert Row.objects.get(name=first.name).every_seconds == 120

    def test_options_may_be_said_before_and_after_the_rule(self) -> None:
        said = report.using(priority=9).using(every=60).using(queue="slow", every=30)
        said.enqueue(week=1)

        row = Row.objects.get()
        assert (row.every_seconds, row.options["priority"]) == (30, 9)
        assert row.options["queue"] == "slow"

    def test_an_instance_recurs_with_its_fields(self) -> None:
        Tidy("attic").using(every=every(3600, after="finish")).enqueue()

        row = Row.objects.get()
        assert (row.handler, row.after) == ("tests.tidy", "finish")
        assert row.payload == {"args": [], "kwargs": {"folder": "attic"}}

    @pytest.mark.django_db(transaction=True)
    def test_it_is_made_in_async_code_too(self) -> None:
        schedule = async_to_sync(report.using(every=60).aenqueue)(week=1)
        assert Row.objects.filter(name=schedule.name).exists()

    @pytest.mark.parametrize(
        ("options", "why"),
        [
            ({"every": 60, "cron": "* * * * *"}, "either 'cron' or 'every'"),
            ({"every": 60, "timezone": "UTC"}, "the same in every zone"),
            ({"cron": Cron(hour=4), "timezone": "Europe/Berlin"}, "said twice"),
            ({"schedule": "weekly"}, "'cron' or 'every'"),
            ({"missed": "all"}, "'cron' or 'every'"),
            ({"every": 60, "missed": "some"}, "'skip' or 'once' or 'all'"),
            ({"every": 60, "missed_cap": 5}, "missed='all'"),
            ({"every": 60, "missed": "all", "missed_cap": 0}, "from 1 to 10,000"),
            ({"every": 60, "overlap": "wait"}, "'allow' or 'skip'"),
            ({"every": 60, "jitter": -1}, "longer than 0"),
            ({"every": 60, "schedule": "x" * 129}, "at most 128"),
            ({"every": 60, "run_at": datetime(2030, 1, 1, tzinfo=UTC)}, "use delay"),
            ({"every": 60, "expires_at": datetime(2030, 1, 1, tzinfo=UTC)}, "use delay"),
        ],
    )
    def test_options_that_do_not_go_together_are_refused(
        self, options: dict[str, Any], why: str
    ) -> None:
        with pytest.raises(InvalidOptions, match=why):
            report.using(**options)

    def test_rules_and_zones_that_cannot_be_are_refused_in_the_caller(self) -> None:
        with pytest.raises(InvalidSchedule):
            report.using(cron="0 0 31 2 *")
        with pytest.raises(UnknownTimeZone):
            report.using(cron="0 0 * * *", timezone="Mars/Olympus").enqueue(week=1)
        assert not Row.objects.exists()


class TestDeclaring:
    def declare(self, function: Any, **options: Any) -> Any:
        return job(registry=Registry(), **options)(function)

    def test_a_handler_keeps_what_it_declares(self) -> None:
        handler = self.declare(needs_none, cron=Cron(hour=4), missed="skip").handler

        assert handler.schedule is not None
        assert (handler.schedule.rule, handler.schedule.missed) == (Cron(hour=4), "skip")
        assert self.declare(needs_none).handler.schedule is None

    def test_one_that_needs_arguments_is_refused(self) -> None:
        with pytest.raises(InvalidHandler, match="a schedule runs it without arguments"):
            self.declare(needs_one, every=60)

    def test_impossible_dates_are_refused_and_unknown_zones_are_not(self) -> None:
        with pytest.raises(InvalidSchedule):
            self.declare(needs_none, cron="0 0 30 2 *")
        assert self.declare(needs_none, cron="0 0 1 * *", timezone="Mars/Olympus")

    def test_a_name_that_no_schedule_can_have_is_refused(self) -> None:
        with pytest.raises(InvalidOptions, match="at most 128"):
            self.declare(needs_none, every=60, name="x" * 200)


class TestHandle:
    @pytest.fixture
    def schedule(self) -> Schedule:
        return report.using(every=60, schedule="minutely").enqueue(week=1)

    def test_the_next_slots_can_be_looked_at(self, schedule: Schedule) -> None:
        found = schedule.preview()

        assert len(found) == 10
        assert found[0] == schedule.snapshot.next_slot
        assert found[9] - found[0] == timedelta(minutes=9)
        assert schedule.preview(count=1) == found[:1]

    def test_only_the_next_is_known_where_spans_begin_at_the_finish(self) -> None:
        schedule = report.using(every=every(60, after="finish")).enqueue(week=1)
        assert schedule.preview() == [schedule.snapshot.next_slot]

    def test_pausing_and_resuming(self, schedule: Schedule) -> None:
        schedule.pause("holidays")
        assert schedule.snapshot.pause_reason == "holidays"

        assert schedule.resume() is True
        assert schedule.snapshot.paused_at is None
        assert schedule.resume() is False

    def test_its_job_can_be_enqueued_at_once(self, schedule: Schedule) -> None:
        schedule.pause()
        handle = schedule.enqueue()

        assert handle.state is JobState.READY
        assert handle.snapshot.schedule == "minutely"
        assert schedule.slots() == []

    def test_after_deleting_there_is_none_of_that_name(self, schedule: Schedule) -> None:
        schedule.delete()
        with pytest.raises(ScheduleNotFound):
            _ = schedule.snapshot
