import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_jobqueue.models import ArchivedJob, DeadJob, Job, QueueRecord, WorkerRecord

from .factories import (
    final,
    list_url,
    make_archived,
    make_dead,
    make_job,
    make_queue,
    make_worker,
    page_url,
)

pytestmark = pytest.mark.django_db

MODELS = (Job, ArchivedJob, DeadJob, QueueRecord, WorkerRecord)
#: Session, user, permission and message queries aside: what a page of jobs asks of the job tables.
QUERIES_OF_A_LIST = 4  # two filters' values, one look ahead, the rows


def shown(response):
    return [row.pk for row in response.context["cl"].result_list]


def job_queries(queries) -> list[str]:
    return [query["sql"] for query in queries if "jobqueue_" in query["sql"]]


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

    assert "x" * 100 in page
    assert "x" * 121 not in page


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


class TestPages:
    @pytest.fixture(autouse=True)
    def many(self, db):
        rows = [ArchivedJob(**final()) for _ in range(120)]
        self.newest_first = [row.pk for row in ArchivedJob.objects.bulk_create(rows)][::-1]

    @pytest.mark.parametrize(("number", "start", "end"), [(1, 0, 50), (2, 50, 100), (3, 100, 120)])
    def test_a_page_shows_its_part(self, admin_client, number, start, end):
        response = admin_client.get(list_url(ArchivedJob), {"p": number})

        assert shown(response) == self.newest_first[start:end]

    def test_a_page_says_that_there_are_more(self, admin_client):
        page = admin_client.get(list_url(ArchivedJob), {"p": 2}).content.decode()

        assert "more than 100 archived jobs" in page
        assert "?p=3" in page
        assert "?p=4" not in page

    def test_the_last_page_knows_how_many_there_are(self, admin_client):
        page = admin_client.get(list_url(ArchivedJob), {"p": 3}).content.decode()

        assert "more than" not in page
        assert re.search(r"\b120 archived jobs", page)

    @pytest.mark.parametrize("number", ["4", "9", "0", "-3", "201", "9" * 30])
    def test_a_page_that_does_not_exist_leads_back_to_the_first(self, admin_client, number):
        response = admin_client.get(list_url(ArchivedJob), {"p": number}, follow=True)

        assert shown(response) == self.newest_first[:50]

    def test_no_number_in_the_query_string_skips_more_rows_than_the_last_page_offered(
        self, admin_client
    ):
        with CaptureQueriesContext(connection) as captured:
            admin_client.get(list_url(ArchivedJob), {"p": "900000000"})

        skipped = [
            int(n) for sql in job_queries(captured) for n in re.findall(r"OFFSET (\d+)", sql)
        ]
        assert skipped == [199 * 50]

    def test_all_rows_on_one_page_are_not_to_be_had(self, admin_client):
        assert len(shown(admin_client.get(list_url(ArchivedJob), {"all": ""}))) == 50

    def test_selecting_across_pages_is_not_offered(self, admin_client):
        page = admin_client.get(list_url(ArchivedJob)).content.decode()

        assert "0 of 50 selected" in page
        assert "across all pages" not in page


class TestCost:
    def queries(self, client, model, **query) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(list_url(model), query).status_code == 200
        return job_queries(captured)

    def fill(self, model, rows: int) -> None:
        error = {"type": "E", "message": "m"}
        if model is Job:
            Job.objects.bulk_create(Job(handler=f"h{n % 5}", error=error) for n in range(rows))
        elif model is QueueRecord:
            make_job(queue=f"{rows} rows")
            QueueRecord.objects.bulk_create(QueueRecord(name=f"{rows} {n}") for n in range(rows))
        elif model is WorkerRecord:
            for _ in range(rows):
                make_worker()
        else:
            model.objects.bulk_create(model(**final(error=error)) for _ in range(rows))

    @pytest.mark.parametrize(
        ("model", "expected"),
        [
            (Job, QUERIES_OF_A_LIST),
            (ArchivedJob, QUERIES_OF_A_LIST),
            (DeadJob, QUERIES_OF_A_LIST),
            (QueueRecord, 5),  # three for queues without a row
            (WorkerRecord, 2),
        ],
    )
    def test_a_list_asks_the_same_number_of_queries_whatever_it_holds(
        self, admin_client, model, expected
    ):
        self.fill(model, 3)
        few = self.queries(admin_client, model)
        self.fill(model, 120)
        many = self.queries(admin_client, model)

        assert [len(few), len(many)] == [expected, expected], many

    @pytest.mark.parametrize("model", MODELS)
    @pytest.mark.parametrize("query", [{}, {"p": "2"}, {"_facets": "True"}, {"q": "7"}])
    def test_nothing_is_counted_without_a_bound(self, admin_client, model, query):
        self.fill(model, 60)
        for sql in self.queries(admin_client, model, **query):
            assert "DISTINCT" not in sql.upper()
            for counted in re.findall(r"COUNT\(.{400}", sql.upper(), flags=re.DOTALL):
                assert "LIMIT 1001" in counted

    @pytest.mark.parametrize("model", [Job, ArchivedJob, DeadJob])
    def test_the_queries_of_a_job_list_count_nothing_at_all(self, admin_client, model):
        self.fill(model, 60)

        assert "COUNT(" not in " ".join(self.queries(admin_client, model)).upper()

    @pytest.mark.parametrize("model", [Job, ArchivedJob, DeadJob])
    def test_payloads_and_results_are_not_read_for_a_list(self, admin_client, model):
        self.fill(model, 3)
        for column in ("payload", "result", "progress", "checkpoints", "meta"):
            assert f'"{column}"' not in " ".join(self.queries(admin_client, model))

    def test_a_hundred_thousand_archived_jobs_change_nothing(self, admin_client):
        self.fill(ArchivedJob, 100_000)
        queries = self.queries(admin_client, ArchivedJob, p="150")

        assert len(queries) == QUERIES_OF_A_LIST
        assert all("LIMIT" in sql for sql in queries)


class TestQueues:
    def test_a_queue_tells_its_counts(self, admin_client):
        make_queue("email")
        make_job(queue="email")
        make_job(queue="email")
        make_job("running", queue="email")
        make_dead(queue="email")
        make_job(queue="other")

        [row] = admin_client.get(list_url(QueueRecord)).context["cl"].result_list

        assert (row.ready_count, row.running_count, row.dead_count) == (2, 1, 1)

    def test_a_count_stops_at_its_bound(self, admin_client):
        make_queue("email")
        Job.objects.bulk_create(Job(handler="h", queue="email") for _ in range(1005))

        assert "1000+" in admin_client.get(list_url(QueueRecord)).content.decode()

    def test_queues_with_jobs_but_no_row_are_named(self, staff):
        make_queue("email")
        for queue in ("email", "reports & co"):
            make_job(queue=queue)
        make_job("scheduled", queue="later")

        response = staff("add_queuerecord").get(list_url(QueueRecord))

        assert [name for name, _ in response.context["rowless"]] == ["later", "reports & co"]
        assert "add/?name=reports%20%26%20co" in response.content.decode()
        assert "add/?name" not in staff().get(list_url(QueueRecord)).content.decode()

    @pytest.mark.parametrize(
        ("columns", "holds"),
        [
            ({}, False),
            ({"paused_at": "2026-01-01T00:00Z"}, True),
            ({"paused_at": "2026-01-01T00:00Z", "paused_until": "2026-01-02T00:00Z"}, False),
            ({"paused_at": "2026-01-01T00:00Z", "paused_until": "2999-01-02T00:00Z"}, True),
        ],
    )
    def test_a_pause_whose_time_is_over_does_not_hold(self, admin_client, columns, holds):
        make_queue(**columns)
        [row] = admin_client.get(list_url(QueueRecord)).context["cl"].result_list

        assert row.pause_holds == holds

    def test_a_search_goes_by_the_first_letters(self, admin_client):
        make_queue("email")
        make_queue("reports")

        assert shown(admin_client.get(list_url(QueueRecord), {"q": "rep"})) == ["reports"]


class TestWorkers:
    def test_a_worker_tells_who_it_is_and_what_it_does(self, admin_client):
        make_worker(host="box7", queues=["a", "b", "c", "d", "e", "f"], concurrency=11, running=3)
        page = admin_client.get(list_url(WorkerRecord)).content.decode()

        for text in ("box7:4711", "alive", "a, b, c, d, e …", ">11<", ">3<", "lapsed", "ago"):
            assert text in page

    def test_a_worker_without_named_queues_serves_all(self, admin_client):
        worker = make_worker(queues=[])

        assert ">all<" in admin_client.get(list_url(WorkerRecord)).content.decode()
        assert "all" in admin_client.get(page_url(worker)).content.decode()

    def test_its_page_leads_to_the_jobs_it_runs(self, admin_client):
        worker = make_worker()
        job = make_job("running", worker_id=worker.pk)
        make_job("running")
        address = f"{list_url(Job)}?worker_id={worker.pk}"

        assert address in admin_client.get(page_url(worker)).content.decode()
        assert shown(admin_client.get(address)) == [job.pk]
