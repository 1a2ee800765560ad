"""Schedules and templates in the admin: what they show, and what they are asked to do."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from django_jobqueue import Schedule, Template
from django_jobqueue.core.schedules import Source
from django_jobqueue.models import Job, JobTemplate, ScheduleSlot
from django_jobqueue.models import Schedule as Row
from django_jobqueue.store import store_for
from tests.jobs.recurring import Tidy, report
from tests.store.schedules import MINUTE, NOON, a_schedule

from .factories import list_url, make_archived, make_dead, make_job, page_url
from .schedules import FORM, add, minutely
from .test_actions import answer, post
from .test_hostile_text import CORPUS, check

pytestmark = pytest.mark.django_db


class TestPage:
    def test_it_shows_the_next_slots_and_what_became_of_the_last(
        self, admin_client: Client
    ) -> None:
        row = minutely()
        jobs = [make_job(), make_archived(), make_dead()]
        for number, job in enumerate(jobs):
            slot = NOON + number * MINUTE
            ScheduleSlot.objects.create(schedule=row, slot=slot, job_id=job.pk)
        ScheduleSlot.objects.create(schedule=row, slot=NOON - MINUTE, reason="missed <b>")

        response = admin_client.get(page_url(row))

        assert response.context["upcoming"] == Schedule("minutely").preview()
        page = response.content.decode()
        assert all(f'href="{page_url(job)}"' in page for job in jobs)
        assert "missed &lt;b&gt;" in page

    def test_a_rule_that_cannot_be_read_has_a_page_too(self, admin_client: Client) -> None:
        row = minutely()
        for columns in (
            {"every_seconds": 1e300},
            {"every_seconds": None, "cron": "no cron"},
            {"every_seconds": None, "cron": "* * * * *", "timezone": "Mars/Olympus"},
        ):
            Row.objects.update(**columns)
            assert admin_client.get(page_url(row)).status_code == 200
            assert admin_client.get(list_url(Row)).status_code == 200

    @pytest.mark.parametrize("text", CORPUS)
    def test_whatever_a_row_says_no_page_repeats_it_as_markup(
        self, admin_client: Client, text: str
    ) -> None:
        payload = {"args": [text], "kwargs": {text: text}}
        told = {"handler": text, "payload": payload}
        schedule = Row.objects.create(
            name=text[:128], template=text[:128], cron=text, timezone=text[:64], **told
        )
        ScheduleSlot.objects.create(schedule=schedule, slot=NOON, reason=text)
        template = JobTemplate.objects.create(name=text[:128], options={text: text}, **told)
        for columns in (
            {"paused_at": NOON, "pause_reason": text},
            {"disabled_at": NOON, "disabled_reason": text},
        ):
            Row.objects.update(**columns)
            for address in (list_url(Row), page_url(schedule)):
                check(admin_client.get(address))
        for address in (list_url(JobTemplate), page_url(template)):
            check(admin_client.get(address))
        for model, action, row in (
            (Row, "pause", schedule),
            (Row, "resume", schedule),
            (Row, "remove", schedule),
            (JobTemplate, "enqueue", template),
        ):
            asked = {"action": action, "_selected_action": row.pk}
            check(admin_client.post(list_url(model), asked, follow=True))

    def test_arguments_are_shown_to_those_who_may_see_them(self, staff: Any) -> None:
        row = minutely()
        Template("stored").save(report, week=1)
        template = JobTemplate.objects.get()

        plain = staff("view_schedule", "view_jobtemplate")
        for page in (page_url(row), page_url(template)):
            assert "week" not in plain.get(page).content.decode()
        trusted = staff("view_schedule", "view_jobtemplate", "view_payload")
        for page in (page_url(row), page_url(template)):
            assert "week" in trusted.get(page).content.decode()


class TestActions:
    def test_pausing_asks_for_the_reason_and_writes_down_who_it_was(
        self, admin_client: Client
    ) -> None:
        row = minutely()
        asked = post(admin_client, Row, "pause", row)
        assert "Slots will pass without a job" in asked.content.decode()

        told = answer(admin_client, Row, "pause", row, confirmed="yes", reason="holidays")

        assert told == ("success", "1 schedule paused.")
        assert Schedule("minutely").snapshot.pause_reason == "holidays"
        assert LogEntry.objects.get().get_change_message() == "Paused."
        assert answer(admin_client, Row, "resume", row) == ("success", "1 schedule resumed.")
        assert answer(admin_client, Row, "resume", row) == (
            "warning",
            "0 schedules resumed, 1 was left as it is.",
        )

    def test_what_still_cannot_be_followed_is_not_resumed(self, admin_client: Client) -> None:
        row = minutely()
        Row.objects.update(
            every_seconds=None, cron="* * * * *", timezone="Mars/Olympus", disabled_at=NOON
        )
        level, text = answer(admin_client, Row, "resume", row)
        assert (level, "Mars/Olympus" in text) == ("warning", True)

    def test_its_job_is_enqueued_at_once(self, admin_client: Client) -> None:
        row = minutely()
        assert answer(admin_client, Row, "enqueue", row) == ("success", "1 job enqueued.")
        assert Job.objects.get().schedule == "minutely"

    def test_declared_ones_are_not_deleted_and_others_are(self, admin_client: Client) -> None:
        row = minutely()
        store_for("default").declare_schedules([a_schedule("fixed", source=Source.CODE)])
        fixed = Row.objects.get(name="fixed")
        assert "record of their slots" in post(admin_client, Row, "remove", row).content.decode()

        level, text = answer(admin_client, Row, "remove", row, fixed, confirmed="yes")

        assert (level, text.startswith("1 schedule deleted, ")) == ("success", True)
        assert "remove it there" in text
        assert list(Row.objects.all()) == [fixed]

    def test_a_template_is_enqueued(self, admin_client: Client) -> None:
        Template("stored").save(Tidy, folder="attic")
        row = JobTemplate.objects.get()
        told = answer(admin_client, JobTemplate, "enqueue", row)

        assert told == ("success", "1 job enqueued.")
        assert Job.objects.get().template == "stored"

    @pytest.mark.parametrize(
        ("action", "codename"),
        [
            ("enqueue", "enqueue_schedule"),
            ("pause", "pause_schedule"),
            ("resume", "pause_schedule"),
            ("remove", "delete_schedule"),
        ],
    )
    def test_each_has_a_permission_of_its_own(self, staff: Any, action: str, codename: str) -> None:
        row = minutely()
        others = {"enqueue_schedule", "pause_schedule", "delete_schedule"} - {codename}
        refused = post(staff("view_schedule", *others), Row, action, row, confirmed="yes")
        allowed = post(staff("view_schedule", codename), Row, action, row, confirmed="yes")

        assert (refused.status_code, allowed.status_code) == (403, 302)

    def test_who_may_not_see_arguments_may_not_change_them(
        self, staff: Any, admin_client: Client
    ) -> None:
        add(admin_client, Row, **FORM)
        row = Row.objects.get()
        changed = FORM | {"cron": "0 9 * * 1"}

        refused = staff("view_schedule", "change_schedule").post(page_url(row), changed)
        codenames = ("view_schedule", "change_schedule", "view_payload")
        allowed = staff(*codenames).post(page_url(row), changed)

        assert (refused.status_code, allowed.status_code) == (403, 302)
        assert Row.objects.get().cron == "0 9 * * 1"

    def test_adding_and_enqueueing_need_their_permissions(self, staff: Any) -> None:
        Template("stored").save(report, week=1)
        client = staff("view_schedule", "view_jobtemplate")
        row = JobTemplate.objects.get()

        assert client.post(list_url(Row) + "add/", FORM).status_code == 403
        assert client.post(list_url(JobTemplate) + "add/", {}).status_code == 403
        assert post(client, JobTemplate, "enqueue", row).status_code == 403
        assert not Job.objects.exists()
