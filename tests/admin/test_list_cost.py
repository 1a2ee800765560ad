"""What a list page asks of the database, and how pages follow one another."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_jobqueue.models import ArchivedJob, DeadJob, Job, QueueRecord, WorkerRecord

from .factories import final, job_queries, list_url, make_job, make_worker, shown

pytestmark = pytest.mark.django_db

MODELS = (Job, ArchivedJob, DeadJob, QueueRecord, WorkerRecord)
#: What a page of jobs asks of the job tables: two filters' values, one look ahead, the rows.
QUERIES_OF_A_LIST = 4


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
            (QueueRecord, 6),  # three for queues without a row, one for the counts
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
        with connection.cursor() as cursor:  # one statement: the ORM would take its time
            cursor.execute(
                "INSERT INTO jobqueue_archivedjob (id, handler) "
                "WITH RECURSIVE numbers (id) AS "
                "(SELECT 1 UNION ALL SELECT id + 1 FROM numbers WHERE id < 100000) "
                "SELECT id, 'shop.send_mail' FROM numbers"
            )
        queries = self.queries(admin_client, ArchivedJob, p="150")

        assert len(queries) == QUERIES_OF_A_LIST
        assert all("LIMIT" in sql for sql in queries)
