"""Requeueing with other arguments, in the admin."""

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import override_settings

from django_jobqueue.models import ArchivedJob, AuditRecord, DeadJob, Job
from tests.handlers import add, file_report, keep_anything

from .factories import list_url, make_archived, make_dead, make_job, page_url

pytestmark = pytest.mark.django_db

ON = {"ADMIN_EDITS_ARGUMENTS": True}
ACTION = "requeue_edited"
MAY = ("edit_payload", "view_payload")
ADD = add.handler.name


@pytest.fixture
def switched_on():
    with override_settings(JOBQUEUE=ON):
        yield


@pytest.fixture
def client(staff, switched_on):
    return staff(*MAY)


def ask(client, *rows, model=DeadJob, **data):
    keys = [row.pk for row in rows]
    return client.post(list_url(model), {"action": ACTION, "_selected_action": keys, **data})


def confirm(client, row, *, args="", kwargs="", model=DeadJob):
    return ask(client, row, model=model, confirmed="yes", args=args, kwargs=kwargs)


def refused(response) -> str:
    """What the form says, once: it was not done."""
    assert response.status_code == 200
    assert not Job.objects.exists()
    assert not AuditRecord.objects.exists()
    return str(response.context["form"].errors)


def told(response) -> tuple[str, str]:
    assert response.status_code == 302
    [message] = get_messages(response.wsgi_request)
    return message.level_tag, str(message)


class TestWhoMay:
    @pytest.mark.parametrize("model", [DeadJob, ArchivedJob])
    def test_it_is_off_unless_a_setting_turns_it_on(self, staff, model):
        row = make_dead() if model is DeadJob else make_archived()
        client = staff(*MAY)

        assert f'value="{ACTION}"' not in client.get(page_url(row)).content.decode()
        assert confirm(client, row, model=model).status_code == 403

    @pytest.mark.parametrize("missing", MAY)
    @pytest.mark.usefixtures("switched_on")
    def test_it_needs_a_permission_of_its_own_and_that_to_see_arguments(self, staff, missing):
        row = make_dead()
        client = staff(*set(MAY) - {missing}, "requeue_deadjob")

        assert f'value="{ACTION}"' not in client.get(page_url(row)).content.decode()
        assert confirm(client, row).status_code == 403

    def test_it_is_offered_on_the_page_to_those_who_may(self, client):
        assert f'value="{ACTION}"' in client.get(page_url(make_dead())).content.decode()
        assert f'value="{ACTION}"' in client.get(page_url(make_archived())).content.decode()


class TestForm:
    def test_it_begins_with_the_arguments_as_they_are(self, client):
        letter = make_dead(handler=ADD, payload={"args": [1], "kwargs": {"b": "<2>"}})

        response = ask(client, letter)

        page = response.content.decode()
        assert "[\n  1\n]" in page
        assert "&quot;&lt;2&gt;&quot;" in page
        assert not response.context["form"].is_bound
        assert DeadJob.objects.get() == letter

    @pytest.mark.parametrize("payload", [[], "text", {"args": 7}])
    def test_a_payload_that_was_edited_by_hand_is_no_hindrance(self, client, payload):
        letter = make_dead(handler=ADD, payload=payload)

        assert ask(client, letter).status_code == 200

    def test_the_job_runs_with_what_was_given(self, client):
        letter = make_dead(handler=ADD, payload={"args": [1], "kwargs": {}})

        answer = told(confirm(client, letter, args="[2]", kwargs='{"b": 3}'))

        assert answer == ("success", f"requeued as job {letter.pk}.")
        assert Job.objects.get().pk == letter.pk
        assert Job.objects.get().payload == {"args": [], "kwargs": {"a": 2, "b": 3}}
        assert not DeadJob.objects.exists()

    def test_it_is_recorded_who_did_it_and_what_was_there_before(self, client):
        before = {"args": [1], "kwargs": {}}
        confirm(client, make_dead(handler=ADD, payload=before), kwargs='{"a": 2}')

        record = AuditRecord.objects.get()
        assert (record.actor, record.action) == (f"staff with {MAY}", "job.edit")
        assert (record.before, record.after) == (
            {"payload": before},
            {"payload": {"args": [], "kwargs": {"a": 2}}},
        )
        assert LogEntry.objects.get().get_change_message() == "Requeued with other arguments."

    def test_an_archived_job_is_copied(self, client):
        archived = make_archived(handler=ADD)

        answer = told(confirm(client, archived, kwargs='{"a": 2}', model=ArchivedJob))

        copy = Job.objects.get()
        assert answer == ("success", f"requeued as job {copy.pk}.")
        assert copy.requeued_from == archived.pk
        assert ArchivedJob.objects.get() == archived

    def test_arguments_are_typed_by_the_handler(self, client):
        given = {"when": "2026-01-01T00:00:00Z", "id": "7" * 32, "amount": "1.50"}
        letter = make_dead(handler=file_report.handler.name)

        confirm(client, letter, kwargs=json.dumps(given))

        stored = Job.objects.get().payload["kwargs"]
        assert stored["id"] == "77777777-7777-7777-7777-777777777777"
        assert stored["amount"] == "1.50"


class TestRefusals:
    @pytest.mark.parametrize(
        ("args", "kwargs", "why"),
        [
            ("", '{"c": 1}', "tests.handlers.add:"),
            ("", "{}", "tests.handlers.add:"),
            ("[1, 2, 3]", "{}", "tests.handlers.add:"),
            ("", '{"a": "one"}', "tests.handlers.add:"),
            ("", '{"a": ', "Enter a valid JSON."),
            ("", "[" * 100_000, "Enter a valid JSON."),
            ("", "[1]", "Give an object"),
            ('{"a": 1}', "", "Give a list."),
        ],
    )
    def test_what_the_handler_does_not_take_is_told_on_the_form(self, client, args, kwargs, why):
        letter = make_dead(handler=ADD)

        response = confirm(client, letter, args=args, kwargs=kwargs)

        assert why in refused(response)
        assert DeadJob.objects.get() == letter

    @pytest.mark.parametrize("text", ["NaN", "Infinity", '"\\u0000"', '"\\ud800"', "1e999"])
    def test_what_no_database_stores_is_told_on_the_form(self, client, text):
        letter = make_dead(handler=keep_anything.handler.name)

        assert refused(confirm(client, letter, kwargs=f'{{"value": {text}}}'))

    def test_a_handler_that_nobody_declares_is_told_on_the_form(self, client):
        letter = make_dead(handler="shop.gone")

        assert "no handler named" in refused(confirm(client, letter, kwargs="{}"))

    def test_a_key_that_another_job_holds_is_told_on_the_form(self, client):
        make_job(unique_key="key")
        letter = make_dead(handler=ADD, unique_key="key")

        response = confirm(client, letter, kwargs='{"a": 2}')

        assert "another live job holds its unique key" in str(response.context["form"].errors)
        assert DeadJob.objects.get() == letter

    def test_what_was_typed_stays_in_the_form(self, client):
        response = confirm(client, make_dead(handler=ADD), args="[1,", kwargs='{"c":  4711}')

        page = response.content.decode()
        assert "[1," in page
        assert "{&quot;c&quot;:  4711}" in page

    def test_several_jobs_at_once_are_refused(self, client):
        letters = [make_dead(handler=ADD) for _ in range(2)]

        assert told(ask(client, *letters)) == ("warning", "Choose one job.")

    def test_a_stale_selection_changes_nothing_and_says_so(self, client):
        letter = make_dead(handler=ADD)
        DeadJob.objects.all().delete()

        answer = told(confirm(client, letter, kwargs='{"a": 2}'))

        assert answer == ("warning", "1 was no longer here.")
        assert not Job.objects.exists()
