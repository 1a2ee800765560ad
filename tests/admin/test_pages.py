"""The page of one row."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_jobqueue.core.health import COUNT_LIMIT
from django_jobqueue.models import ArchivedJob, DeadJob, Job, QueueRecord
from tests.history import many_jobs

from .factories import (
    NOON,
    list_url,
    make_archived,
    make_attempt,
    make_dead,
    make_job,
    make_queue,
    make_worker,
    page_url,
)

pytestmark = pytest.mark.django_db

SECRETS = {
    "payload": {"args": [], "kwargs": {"token": "secret-argument"}},
    "result": "secret-result",
    "error": {"type": "SecretError", "message": "secret-message", "fields": {"a": "secret-field"}},
    "progress": {"done": 1, "total": 2, "message": "secret-progress"},
    "checkpoints": {"page": "secret-checkpoint"},
}


def content(client, row, page="change"):
    response = client.get(page_url(row, page))
    assert response.status_code == 200
    return response.content.decode()


def secret_job():
    job = make_job(**SECRETS)
    make_attempt(
        job,
        error_type="SecretError",
        message="secret-message",
        traceback="secret-traceback",
        log=["secret-line"],
    )
    return job


def test_a_page_tells_what_the_job_was_given_and_what_came_of_it(admin_client):
    page = content(admin_client, secret_job())

    for secret in (
        "secret-argument",
        "secret-result",
        "SecretError: secret-message",
        "secret-field",
        "secret-progress",
        "secret-checkpoint",
        "secret-traceback",
        "secret-line",
    ):
        assert secret in page
    assert "hidden</div>" not in page


def test_without_the_permission_all_of_it_is_hidden(staff):
    client, job = staff(), secret_job()
    pages = content(client, job) + client.get(list_url(Job)).content.decode()

    assert "secret" not in pages.lower().replace("csrf", "")
    assert pages.count("hidden</div>") == 5
    assert "<td>hidden" in pages or ">hidden</" in pages


def test_without_the_permission_it_is_not_read_for_the_attempts_either(staff):
    client, job = staff(), secret_job()
    with CaptureQueriesContext(connection) as captured:
        content(client, job)

    assert "traceback" not in " ".join(query["sql"] for query in captured)


def test_the_permission_opens_it(staff):
    assert "secret-argument" in content(staff("view_payload"), secret_job())


def test_json_is_shown_with_exact_integers_and_letters(admin_client):
    page = content(admin_client, make_job(payload={"args": [10**30, "Grüße"], "kwargs": {}}))

    assert str(10**30) in page
    assert "Grüße" in page


def test_times_are_told_in_order_with_what_lies_between(admin_client):
    job = make_archived(
        created_at=NOON - timedelta(hours=2),
        ready_at=NOON - timedelta(hours=2),
        claimed_at=NOON - timedelta(seconds=2),
    )
    moments = admin_client.get(page_url(job)).context["timeline"]

    assert [(str(moment.label), moment.after) for moment in moments] == [
        ("enqueued", "-"),
        ("ready since", "0 ms"),
        ("claimed", "1 h 59 min"),
        ("handler began", "2.0 s"),
        ("finished", "1 min 30 s"),
    ]


def test_times_are_shown_in_the_language_of_the_person(admin_client, settings):
    settings.LANGUAGE_CODE = "de"

    assert "15. Januar 2026 12:00" in content(admin_client, make_archived())
    assert "15. Januar 2026 12:01" in admin_client.get(list_url(ArchivedJob)).content.decode()


def test_the_newest_attempts_are_shown_and_older_ones_announced(admin_client):
    job = make_job()
    for number in range(1, 53):
        make_attempt(job, attempt=number, message=f"failure {number}.")
    page = content(admin_client, job)

    assert "failure 52." in page
    assert "failure 3." in page
    assert "failure 2." not in page
    assert "Older runs are not shown." in page


def test_attempts_of_other_jobs_are_not_shown(admin_client):
    make_attempt(make_job(), message="somebody else's")

    assert "somebody else" not in content(admin_client, make_job())


@pytest.mark.parametrize("make", [make_job, make_archived, make_dead, make_queue, make_worker])
def test_a_page_asks_few_queries(admin_client, make):
    row = make()
    with CaptureQueriesContext(connection) as captured:
        content(admin_client, row)

    assert len([query for query in captured if "jobqueue_" in query["sql"]]) <= 9


def test_a_requeued_dead_letter_and_a_copy_tell_where_they_came_from(admin_client):
    archived = make_archived()
    job = make_job()
    Job.objects.filter(pk=job.pk).update(requeued_from=job.pk)

    assert "its own dead letter" in content(admin_client, job)
    assert page_url(archived) in content(admin_client, make_job(requeued_from=archived.pk))


def test_a_running_job_leads_to_its_worker(admin_client):
    worker = make_worker()

    assert page_url(worker) in content(admin_client, make_job("running", worker_id=worker.pk))


@pytest.mark.parametrize("error", ["just text", ["a", "b"], 7, {}, {"message": None}])
def test_an_error_of_any_shape_can_be_looked_at(admin_client, error):
    content(admin_client, make_dead(error=error))
    assert admin_client.get(list_url(DeadJob)).status_code == 200


class TestQueue:
    def test_it_tells_the_numbers_of_the_queue(self, admin_client):
        queue = make_queue("email", paused_at=NOON, pause_reason="deploy")
        make_job(queue="email")
        make_job("scheduled", queue="email")
        make_dead(queue="email")
        response = admin_client.get(page_url(queue))
        numbers = {str(label): number for label, number in response.context["numbers"]}

        told = {label for label, number in numbers.items() if number == "1"}
        assert told == {"Ready", "Scheduled", "Dead letters"}
        assert "deploy" in response.content.decode()

    def test_a_number_says_where_counting_stopped(self, admin_client):
        many_jobs(COUNT_LIMIT + 1, state="blocked", queue="email")

        assert (
            "<td>10,000+</td>" in admin_client.get(page_url(make_queue("email"))).content.decode()
        )

    def test_a_row_can_be_added_for_a_queue(self, staff):
        client = staff("add_queuerecord")
        address = page_url(make_queue("x")).replace("x/change/", "add/")
        form = client.get(address, {"name": "reports"}).content.decode()

        assert 'value="reports"' in form
        assert "paused" not in form
        assert "rate" not in form
        response = client.post(address, {"name": "reports", "paused_at_0": "2026-01-01"})
        assert response.status_code == 302
        added = QueueRecord.objects.get(name="reports")
        assert added.paused_at is None

    @pytest.mark.parametrize("name", ["", "a" * 129, "line\x1bbreak"])
    def test_a_name_that_no_queue_can_have_is_refused(self, staff, name):
        address = page_url(make_queue("x")).replace("x/change/", "add/")
        response = staff("add_queuerecord").post(address, {"name": name})

        assert response.status_code == 200
        assert response.context["errors"]
        assert QueueRecord.objects.count() == 1
