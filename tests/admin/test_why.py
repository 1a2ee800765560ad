"""The page that tells why a job is not running."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from django_jobqueue import Queue
from tests.locks import table_locked

from .factories import make_archived, make_job, page_url

pytestmark = pytest.mark.django_db

TWENTY_MILLISECONDS = timedelta(milliseconds=20)


def why_url(job_id: int) -> str:
    return reverse("admin:jobqueue_job_why", args=[job_id])


def shown(client: Client, job_id: int) -> str:
    response = client.get(why_url(job_id))
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_of_a_live_job_leads_to_it(admin_client):
    row = make_job()

    assert why_url(row.pk) in admin_client.get(page_url(row)).content.decode()


def test_the_page_of_an_ended_job_does_not(admin_client):
    row = make_archived()

    assert "/why/" not in admin_client.get(page_url(row)).content.decode()


def test_everything_that_keeps_the_job_is_told(admin_client):
    Queue("mail").pause("<b>deploy</b>")
    page = shown(admin_client, make_job("scheduled", queue="mail").pk)

    assert "&#x27;mail&#x27; is paused since" in page
    assert "&lt;b&gt;deploy&lt;/b&gt;" in page
    assert "it is not due before" in page
    assert "no worker is alive" in page


def test_a_job_that_ended_in_the_meantime_is_told_so(admin_client):
    assert "it has ended: succeeded" in shown(admin_client, make_archived().pk)


def test_what_a_failure_said_is_for_those_who_may_see_it(staff):
    error = {"type": "ValueError", "message": "secret-message"}
    row = make_job("scheduled", attempt=1, error=error)

    assert "secret-message" in shown(staff("view_payload"), row.pk)
    assert "secret-message" not in shown(staff(), row.pk)


def test_a_hostile_name_cannot_hide_what_is_around_it(admin_client):
    page = shown(admin_client, make_job(handler="a\u202eb", queue="c\u202ed").pk)

    assert "\u202e" not in page
    assert "a\\u202eb" in page


def test_a_job_that_is_nowhere_is_not_found(admin_client):
    assert admin_client.get(why_url(2**40)).status_code == 404
    assert admin_client.get(why_url(2**70)).status_code == 404


def test_who_may_not_see_jobs_may_not_ask(client):
    row = make_job()
    assert client.get(why_url(row.pk)).status_code == 302

    client.force_login(User.objects.create_user("shy", is_staff=True))

    assert client.get(why_url(row.pk)).status_code == 403


@pytest.mark.postgresql
def test_a_database_that_does_not_answer_in_time_is_told(admin_client, monkeypatch):
    monkeypatch.setattr("django_jobqueue.jobs.why.READ_LIMIT", TWENTY_MILLISECONDS)
    row = make_job()

    with table_locked("jobqueue_deadjob"):
        response = admin_client.get(why_url(row.pk))

    assert response.status_code == 503
