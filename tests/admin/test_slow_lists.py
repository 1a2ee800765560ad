"""Lists read few rows however long the history is; and a page that reads for too long is ended, and
says so.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection

from django_jobqueue.admin import ArchivedJobAdmin
from django_jobqueue.models import ArchivedJob, DeadJob, Job, QueueRecord, WorkerRecord
from tests.history import a_long_history, cost_of, without
from tests.locks import table_locked

from .factories import (
    list_url,
    make_archived,
    make_dead,
    make_job,
    make_queue,
    make_worker,
    page_url,
    shown,
)

pytestmark = pytest.mark.django_db

MODELS = (Job, ArchivedJob, DeadJob, QueueRecord, WorkerRecord)


#: Besides its rows a page reads the values of the newest 500 rows, once for each filter.
FEW_OF_A_LIST = {"postgresql": 3_000, "sqlite": 300}


class TestPlans:
    @pytest.fixture(autouse=True)
    def _history(self, db):
        a_long_history()

    @pytest.mark.parametrize(
        ("model", "query", "index"),
        [
            (ArchivedJob, {}, "jobqueue_archive_finished"),
            (ArchivedJob, {"queue": "quiet"}, "jobqueue_archive_queue"),
            (ArchivedJob, {"state__exact": "cancelled"}, "jobqueue_archive_cancelled"),
            (DeadJob, {}, "jobqueue_dead_finished"),
            (DeadJob, {"queue": "quiet"}, "jobqueue_dead_queue"),
            (DeadJob, {"handler": "quiet"}, "jobqueue_dead_handler"),
            (DeadJob, {"reason__exact": "poison"}, "jobqueue_dead_reason"),
        ],
    )
    def test_a_list_reads_few_rows_and_would_read_all_without_its_index(
        self, admin_client, model, query, index
    ):
        def look():
            assert admin_client.get(list_url(model), query).status_code == 200

        look()  # permissions and content types are remembered from here on
        good = cost_of(look)
        with without(index):
            bad = cost_of(look)

        assert good <= FEW_OF_A_LIST[connection.vendor] < bad

    def test_queues_count_few_rows(self, admin_client):
        make_queue("quiet")

        def look():
            [row] = admin_client.get(list_url(QueueRecord)).context["cl"].result_list
            assert (row.ready_count, row.dead_count) == (10, 10)

        assert cost_of(look) <= FEW_OF_A_LIST[connection.vendor]


class TestTooSlow:
    def test_final_records_come_as_they_ended(self, admin_client):
        late = make_archived(id=7)
        early = make_archived(id=9, finished_at=late.finished_at - timedelta(hours=1))

        assert shown(admin_client.get(list_url(ArchivedJob))) == [late.pk, early.pk]

    @pytest.mark.postgresql
    def test_a_list_that_takes_too_long_says_so(self, admin_client, monkeypatch):
        with monkeypatch.context() as patch, table_locked("jobqueue_archivedjob"):
            patch.setattr(ArchivedJobAdmin, "read_limit", timedelta(seconds=0.02))
            response = admin_client.get(list_url(ArchivedJob), {"handler": "shop.send_mail"})

        page = response.content.decode()
        assert response.status_code == 503
        assert "had 0.02 seconds to find these rows" in page
        assert f'href="{list_url(ArchivedJob)}"' in page
        assert admin_client.get(list_url(ArchivedJob)).status_code == 200

    @pytest.mark.postgresql
    @pytest.mark.parametrize("model", MODELS)
    def test_every_read_of_a_list_has_the_limit(self, admin_client, model):
        with limits_of_reads() as limits:
            assert admin_client.get(list_url(model)).status_code == 200

        assert set(limits) == {"5s"}

    @pytest.mark.postgresql
    def test_the_page_of_a_record_says_so_too_if_only_a_part_of_it_is_slow(
        self, admin_client, monkeypatch
    ):
        page = page_url(make_archived())

        with monkeypatch.context() as patch, table_locked("jobqueue_attempt"):
            patch.setattr(ArchivedJobAdmin, "read_limit", timedelta(seconds=0.02))
            response = admin_client.get(page)

        assert response.status_code == 503
        assert "had 0.02 seconds" in response.content.decode()
        assert admin_client.get(page).status_code == 200

    @pytest.mark.postgresql
    @pytest.mark.parametrize("make", [make_job, make_archived, make_dead, make_queue, make_worker])
    def test_every_read_of_the_page_of_a_record_has_the_limit(self, admin_client, make):
        row = make()

        with limits_of_reads() as limits:
            assert admin_client.get(page_url(row)).status_code == 200

        assert set(limits) == {"5s"}


@contextmanager
def limits_of_reads() -> Iterator[list[str]]:
    """What PostgreSQL is told of each statement about these tables."""
    limits: list[str] = []

    def ask_first(execute, sql, params, many, context):
        if "jobqueue_" in sql:
            with connection.connection.cursor() as cursor:
                cursor.execute("SHOW statement_timeout")
                limits.extend(cursor.fetchone())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(ask_first):
        yield limits
