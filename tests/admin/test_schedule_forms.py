"""Schedules and templates that are made and changed in the admin."""

import pytest
from django.test import Client

from django_jobqueue import Template
from django_jobqueue.models import JobTemplate
from django_jobqueue.models import Schedule as Row
from tests.jobs.recurring import report

from .factories import page_url
from .schedules import FORM, add, minutely

pytestmark = pytest.mark.django_db


class TestForm:
    def test_a_schedule_is_made_of_what_was_filled_in(self, admin_client: Client) -> None:
        assert add(admin_client, Row, **FORM) == ""

        row = Row.objects.get()
        assert (row.name, row.source, row.handler) == ("weekly", "admin", "tests.report")
        assert (row.cron, row.timezone, row.every_seconds) == ("0 7 * * 1", "Europe/Berlin", None)
        assert (row.missed, row.overlap, row.options["queue"]) == ("skip", "skip", "reports")
        assert row.payload == {"args": [], "kwargs": {"week": 1}}
        assert row.next_slot is not None

    def test_a_span_and_a_template_will_do(self, admin_client: Client) -> None:
        Template("stored").save(report, week=7)
        fields = FORM | {"handler": "", "template": "stored", "cron": "", "every_seconds": "90"}
        assert add(admin_client, Row, **fields | {"after": "finish", "arguments": ""}) == ""

        row = Row.objects.get()
        assert (row.every_seconds, row.after, row.template) == (90, "finish", "stored")
        assert row.payload["kwargs"] == {"week": 7}

    @pytest.mark.parametrize(
        ("fields", "why"),
        [
            ({"cron": "0 0 31 2 *"}, "no cron string"),
            ({"cron": ""}, "Give cron, or a span"),
            ({"every_seconds": "60"}, "either"),
            ({"timezone": "Mars/Olympus"}, "no time zone"),
            ({"handler": ""}, "Give a handler, or a template"),
            ({"handler": "tests.tidy"}, "not one of the available choices"),
            ({"arguments": '{"week": "one"}'}, "week"),
            ({"arguments": "[1]"}, "arguments have names"),
            ({"arguments": "{"}, "valid JSON"),
            ({"cron": "", "every_seconds": "1e300"}, "too large"),
            ({"cron": "", "every_seconds": "0"}, "one second"),
        ],
    )
    def test_what_cannot_be_is_told_in_the_form(
        self, admin_client: Client, fields: dict[str, str], why: str
    ) -> None:
        assert why in add(admin_client, Row, **FORM | fields)
        assert not Row.objects.exists()

    def test_one_made_here_can_be_changed_here_but_for_its_name(self, admin_client: Client) -> None:
        add(admin_client, Row, **FORM)
        row = Row.objects.get()

        page = admin_client.get(page_url(row)).content.decode()
        assert "&quot;week&quot;: 1" in page
        changed = FORM | {"name": "other", "arguments": '{"week": 2}', "cron": "0 8 * * 1"}
        assert admin_client.post(page_url(row), changed).status_code == 302

        row = Row.objects.get()
        assert (row.name, row.cron, row.payload["kwargs"]) == ("weekly", "0 8 * * 1", {"week": 2})

    def test_those_of_others_can_only_be_looked_at(self, admin_client: Client) -> None:
        row = minutely()
        assert admin_client.post(page_url(row), FORM).status_code == 403
        assert Row.objects.get().every_seconds == 60

    def test_a_template_is_made_and_changed(self, admin_client: Client) -> None:
        fields = {
            "name": "stored",
            "handler": "tests.report",
            "arguments": '{"week": 1}',
            "options": '{"priority": 9}',
        }
        assert add(admin_client, JobTemplate, **fields) == ""
        row = JobTemplate.objects.get()
        changed = fields | {"options": '{"priority": 8}'}
        assert admin_client.post(page_url(row), changed).status_code == 302

        handle = Template("stored").enqueue()
        assert (handle.snapshot.priority, handle.snapshot.queue) == (8, "reports")

    @pytest.mark.parametrize(
        ("fields", "why"),
        [
            ({"options": '{"prio": 9}'}, "does not exist"),
            ({"options": '{"run_at": "2030-01-01"}'}, "datetime"),
            ({"arguments": "{}"}, "week"),
        ],
    )
    def test_a_template_that_cannot_be_is_told(
        self, admin_client: Client, fields: dict[str, str], why: str
    ) -> None:
        right = {"name": "stored", "handler": "tests.report", "arguments": '{"week": 1}'}
        assert why in add(admin_client, JobTemplate, **right | {"options": "{}"} | fields)
