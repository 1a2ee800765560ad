from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path

from django_jobqueue.observability.exposing import look_of_process
from django_jobqueue.observability.views import NO_DATABASE, NOT_MEASURED, metrics
from tests.handlers import add
from tests.store.helpers import make_job, register_worker

from .scraping import samples_of, value

urlpatterns = [
    path("metrics/", metrics, {"token": "s3cret"}),
    path("open/", metrics, {"token": None}),
    path("here/", metrics, {"token": None, "counted_here": True}),
    path("unset/", metrics, {"token": ""}),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
SHOWN = {"HTTP_AUTHORIZATION": "Bearer s3cret"}


@pytest.fixture(autouse=True)
def _measuring() -> Iterator[None]:
    look_of_process.cache_clear()
    with override_settings(JOBQUEUE={"METRICS": True, "METRICS_QUEUES": ["tenants"]}):
        yield
    look_of_process.cache_clear()


class TestAnswer:
    def test_it_tells_how_the_queues_are_doing(self, client: Client):
        register_worker()
        make_job(queue="tenants")

        response = client.get("/metrics/", **SHOWN)

        assert response.status_code == 200
        assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "no-store" in response["Cache-Control"]
        text = response.content.decode()
        assert value(text, "jobqueue_queue_ready_jobs", queue="tenants") == 1
        assert value(text, "jobqueue_workers") == 1
        assert "jobqueue_enqueued_total" not in text

    def test_what_was_counted_in_a_process_is_told_where_that_was_asked_for(self, client: Client):
        def count() -> float:
            text = client.get("/here/").content.decode()
            labels = {"queue": "default", "handler": add.handler.name}
            return value(text, "jobqueue_enqueued_total", **labels) or 0

        before = count()
        add.enqueue(1)
        assert count() == before + 1

    def test_a_crowd_costs_one_look(self, client: Client):
        client.get("/open/")
        with CaptureQueriesContext(connection) as captured:
            for _ in range(20):
                assert samples_of(client.get("/open/").content.decode())

        assert len(captured) == 0

    def test_it_may_only_be_looked_at(self, client: Client):
        assert client.head("/open/").status_code == 200
        assert client.post("/open/").status_code == 405

    def test_no_transaction_is_opened_before_it_is_asked(self):
        assert "default" in metrics._non_atomic_requests


class TestToken:
    @pytest.mark.parametrize(
        "given", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic s3cret", "s3cret", "Bearer é"]
    )
    def test_without_the_token_nothing_is_told(self, client: Client, given: str):
        response = client.get("/metrics/", HTTP_AUTHORIZATION=given)

        assert response.status_code == 401
        assert response["WWW-Authenticate"] == "Bearer"
        assert response.content == b"a token is needed\n"

    @pytest.mark.parametrize("given", ["", "Bearer "])
    def test_a_token_that_is_empty_by_mistake_opens_nothing(self, client: Client, given: str):
        assert client.get("/unset/", HTTP_AUTHORIZATION=given).status_code == 401


class TestTrouble:
    def test_without_the_setting_there_are_none(self, client: Client):
        with override_settings(JOBQUEUE={}):
            response = client.get("/open/")

        assert (response.status_code, response.content) == (404, NOT_MEASURED.encode())

    def test_a_database_that_fails_is_told_without_its_words(self, client: Client):
        def fail(*args: object) -> None:
            raise OperationalError("connection to host=10.0.0.1 user=secret failed")

        with connection.execute_wrapper(fail):
            response = client.get("/open/")

        assert (response.status_code, response.content) == (503, NO_DATABASE.encode())

    def test_what_is_known_from_a_moment_ago_is_told_all_the_same(self, client: Client):
        assert client.get("/open/").status_code == 200
        look, _ = look_of_process()
        look._tried_at = float("-inf")

        def fail(*args: object) -> None:
            raise OperationalError("gone")

        with connection.execute_wrapper(fail):
            response = client.get("/open/")

        assert response.status_code == 200
        assert "jobqueue_workers" in response.content.decode()
