import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_jobqueue.models import ArchivedJob, DeadJob, Job, QueueRecord, WorkerRecord

from .factories import (
    job_queries,
    list_url,
    make_archived,
    make_dead,
    make_job,
    shown,
)

pytestmark = pytest.mark.django_db

MODELS = (Job, ArchivedJob, DeadJob, QueueRecord, WorkerRecord)


@pytest.mark.parametrize("model", MODELS)
def test_every_list_opens_without_rows(admin_client, model):
    assert admin_client.get(list_url(model)).status_code == 200


def test_a_live_job_is_told_in_one_line(admin_client):
    make_job(
        queue="email",
        priority=7,
        attempt=1,
        error={"type": "ValueError", "message": "no such\naddress"},
    )
    page = admin_client.get(list_url(Job)).content.decode()

    for text in ("shop.send_mail", "email", "ready", ">7<", "1/3", "ValueError: no such address"):
        assert text in page


def test_a_dead_letter_tells_its_reason_and_error(admin_client):
    make_dead(reason="poison")
    page = admin_client.get(list_url(DeadJob)).content.decode()

    assert "poison" in page
    assert "ValueError: no such address" in page


def test_an_archived_job_tells_how_long_it_ran(admin_client):
    make_archived()

    assert "1 min 30 s" in admin_client.get(list_url(ArchivedJob)).content.decode()


def test_a_long_error_is_cut(admin_client):
    make_dead(error={"type": "ValueError", "message": "x" * 5000})
    page = admin_client.get(list_url(DeadJob)).content.decode()

    assert "x" * 60 in page
    assert "x" * 81 not in page


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"state__exact": "running"}, "running"),
        ({"queue": "email"}, "in email"),
        ({"handler": "shop.count"}, "counting"),
        ({"queue": "email", "state__exact": "ready"}, "in email"),
    ],
)
def test_a_filter_shows_exactly_what_matches(admin_client, query, named):
    rows = {
        "running": make_job("running"),
        "in email": make_job(queue="email"),
        "counting": make_job(handler="shop.count"),
    }
    assert shown(admin_client.get(list_url(Job), query)) == [rows[named].pk]


def test_filters_offer_the_values_of_the_newest_rows(admin_client):
    make_job(queue="email")
    page = admin_client.get(list_url(Job)).content.decode()

    assert "?queue=email" in page
    assert "?handler=shop.send_mail" in page


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        ({"gte_0": "2026-01-15", "gte_1": "12:01"}, True),
        ({"gte_0": "2026-01-15", "gte_1": "12:02"}, False),
        ({"lte_0": "2026-01-15", "lte_1": "12:01"}, False),
        ({"gte_0": "2026-01-15", "lte_0": "2026-01-15"}, True),  # days without a time: all day
        ({"gte_0": "2026-01-16"}, False),
        ({"gte_0": "yesterday"}, True),  # not a day: no filter, but a message
    ],
)
def test_a_time_range_bounds_when_a_job_finished(admin_client, bounds, found):
    make_archived()  # finished at 12:01:30
    query = {f"finished_at__range__{name}": value for name, value in bounds.items()}

    assert bool(shown(admin_client.get(list_url(ArchivedJob), query))) is found


def test_live_jobs_are_bounded_by_when_they_were_enqueued(admin_client):
    make_job()
    query = {"created_at__range__lte_0": "2001-01-01", "created_at__range__lte_1": "00:00"}

    assert shown(admin_client.get(list_url(Job), query)) == []


@pytest.mark.parametrize("model", [Job, ArchivedJob, DeadJob])
def test_a_search_finds_by_id_fingerprint_and_unique_key(admin_client, model):
    make = {Job: make_job, ArchivedJob: make_archived, DeadJob: make_dead}[model]
    job = make(fingerprint="invoice:1", unique_key="key:1")
    make(fingerprint="invoice:12", unique_key="key:12")

    for term in (str(job.pk), f" {job.pk} ", "invoice:1", "key:1"):
        assert shown(admin_client.get(list_url(model), {"q": term})) == [job.pk], term


@pytest.mark.parametrize("term", ["9" * 19, "9" * 5000, "٣", "no such", "%", "'; --"])
def test_a_search_for_what_is_not_there_finds_nothing(admin_client, term):
    make_job()

    assert shown(admin_client.get(list_url(Job), {"q": term})) == []


def test_a_search_with_a_nul_character_is_refused_with_a_message(admin_client):
    page = admin_client.get(list_url(Job), {"q": "a\x00b"}).content.decode()

    assert "Null characters are not allowed." in page


@pytest.mark.parametrize("term", ["12345", "invoice:1"])
def test_a_search_compares_whole_values_so_that_an_index_answers(admin_client, term):
    with CaptureQueriesContext(connection) as captured:
        admin_client.get(list_url(ArchivedJob), {"q": term})

    asked = " ".join(sql for sql in job_queries(captured) if term in sql)
    assert asked
    assert "LIKE" not in asked.upper()


@pytest.mark.parametrize("value", ["a\x00b", "no such", "' OR 1=1"])
def test_a_filter_by_a_strange_value_finds_nothing(admin_client, value):
    make_job()

    assert shown(admin_client.get(list_url(Job), {"queue": value})) == []


@pytest.mark.parametrize(
    "lookup",
    ["payload__kwargs__token__startswith", "error__message", "result", "handler__foo__payload"],
)
def test_the_query_string_cannot_ask_about_what_is_hidden(staff, lookup):
    make_job(payload={"args": [], "kwargs": {"token": "secret"}})
    response = staff().get(list_url(Job), {lookup: "s"})

    assert response.status_code in (302, 400)


def test_rows_come_newest_first_whatever_the_query_string_says(admin_client):
    first, second = make_archived(queue="a"), make_archived(queue="b")

    for order in ("", "2", "-2", "3.1"):
        found = shown(admin_client.get(list_url(ArchivedJob), {"o": order}))
        assert found == [second.pk, first.pk], order
