"""Stored jobs to copy from."""

from typing import Any

import pytest

from django_jobqueue import (
    Constant,
    HandlerNotRegistered,
    InvalidArguments,
    InvalidOptions,
    InvalidSchedule,
    Template,
    TemplateNotFound,
    enqueue_template,
)
from django_jobqueue.models import Job, JobTemplate
from django_jobqueue.models import Schedule as Row

from .recurring import Tidy, report

pytestmark = pytest.mark.django_db


@pytest.fixture
def weekly() -> Template:
    template = Template("weekly")
    template.save(report.using(priority=7, tags=["stored"], backoff=Constant(3)), week=1)
    return template


class TestEnqueueing:
    def test_a_copy_has_what_was_stored_and_tells_where_it_came_from(
        self, weekly: Template
    ) -> None:
        handle = enqueue_template("weekly")

        row = Job.objects.get(pk=handle.id)
        assert (row.handler, row.template, row.queue) == ("tests.report", "weekly", "reports")
        assert (row.priority, row.tags, row.backoff["delay"]) == (7, ["stored"], 3)
        assert row.payload == {"args": [], "kwargs": {"week": 1}}

    def test_arguments_take_the_place_of_stored_ones_in_this_copy(self, weekly: Template) -> None:
        enqueue_template("weekly", week=2, detailed=True)
        enqueue_template("weekly")

        changed, plain = Job.objects.order_by("pk")
        assert changed.payload["kwargs"] == {"week": 2, "detailed": True}
        assert plain.payload["kwargs"] == {"week": 1}
        assert changed.fingerprint != plain.fingerprint

    def test_options_can_be_said_for_one_copy(self, weekly: Template) -> None:
        weekly.using(queue="slow", tags=["now"]).enqueue()

        row = Job.objects.get()
        assert (row.queue, row.priority, row.tags) == ("slow", 7, ["stored", "now"])

    def test_a_call_that_does_not_fit_the_handler_is_refused(self, weekly: Template) -> None:
        with pytest.raises(InvalidArguments, match="weeek"):
            enqueue_template("weekly", weeek=2)
        assert not Job.objects.exists()

    def test_a_name_that_does_not_exist_is_told(self) -> None:
        with pytest.raises(TemplateNotFound, match="'monthly'"):
            enqueue_template("monthly")

    def test_a_handler_that_is_gone_is_told(self, weekly: Template) -> None:
        JobTemplate.objects.update(handler="gone")
        with pytest.raises(HandlerNotRegistered, match="gone"):
            weekly.enqueue()


class TestSaving:
    def test_saving_again_replaces_it(self, weekly: Template) -> None:
        weekly.save(Tidy, folder="attic")

        assert weekly.snapshot.handler == "tests.tidy"
        assert weekly.snapshot.options == {}

    @pytest.mark.parametrize(
        ("options", "why"),
        [({"run_at": "tomorrow"}, "datetime"), ({"priority": 500}, "from -100 to 100")],
    )
    def test_options_are_checked(self, options: dict[str, Any], why: str) -> None:
        with pytest.raises(InvalidOptions, match=why):
            Template("weekly").save(report.using(**options), week=1)

    def test_arguments_are_checked(self) -> None:
        with pytest.raises(InvalidArguments):
            Template("weekly").save(report, week="one")
        assert not JobTemplate.objects.exists()

    def test_what_is_deleted_is_gone(self, weekly: Template) -> None:
        weekly.delete()
        with pytest.raises(TemplateNotFound):
            weekly.enqueue()


class TestRepeating:
    def test_a_schedule_enqueues_what_the_template_says_by_then(self, weekly: Template) -> None:
        schedule = weekly.repeat(cron="0 7 * * 1")
        weekly.save(report.using(priority=1), week=3)

        row = Job.objects.get(pk=schedule.enqueue().id)

        assert schedule.name == "weekly"
        assert (row.template, row.schedule, row.priority) == ("weekly", "weekly", 1)
        assert row.payload["kwargs"] == {"week": 3}

    def test_it_is_not_deleted_under_a_schedule(self, weekly: Template) -> None:
        schedule = weekly.repeat(every=60, schedule="minutely")
        with pytest.raises(InvalidSchedule, match="'minutely'"):
            weekly.delete()

        schedule.delete()
        weekly.delete()
        assert not Row.objects.exists()

    @pytest.mark.parametrize("options", [{}, {"missed": "skip"}, {"every": 60, "priority": 3}])
    def test_what_makes_no_schedule_is_refused(
        self, weekly: Template, options: dict[str, Any]
    ) -> None:
        with pytest.raises(InvalidOptions):
            weekly.repeat(**options)
