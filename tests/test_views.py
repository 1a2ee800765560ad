import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.exceptions import ViewDoesNotExist
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import include, path

from django_jobqueue import views
from django_jobqueue.core.states import JobState
from django_jobqueue.models import WorkerRecord
from tests.locks import table_locked
from tests.store.helpers import LONG_AGO, make_job, register_worker

urlpatterns = [
    path("jobqueue/", include("django_jobqueue.urls")),
    path("strict/", views.health, {"max_age": 60, "max_backlog": 2, "queues": ["mail"]}),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

HEALTH = "/jobqueue/health/"


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    views.remembered.cache_clear()
    yield
    views.remembered.cache_clear()


class TestAnswer:
    def test_a_site_with_a_worker_is_healthy(self, client: Client):
        register_worker()

        response = client.get(HEALTH)

        assert (response.status_code, response.content) == (200, b"healthy\n")
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        assert "no-store" in response["Cache-Control"]

    def test_a_site_without_a_worker_is_not(self, client: Client):
        response = client.get(HEALTH)

        assert (response.status_code, response.content) == (503, b"unhealthy\n")

    @pytest.mark.parametrize(
        ("columns", "status"),
        [
            ([{"queue": "mail"}], 200),
            ([{"queue": "mail", "ready_at": LONG_AGO}], 503),
            ([{"queue": "mail"}] * 3, 503),
            ([{"queue": "default", "ready_at": LONG_AGO}] * 3, 200),
        ],
        ids=["well", "too old", "too many", "another queue"],
    )
    def test_what_is_expected_comes_from_the_urlconf(self, client: Client, columns, status):
        register_worker()
        WorkerRecord.objects.update(queues=[])
        for one in columns:
            make_job(**one)

        assert client.get("/strict/").status_code == status

    def test_nothing_of_what_is_kept_is_told(self, client: Client):
        make_job(queue="secret", payload={"args": ["secret"], "kwargs": {}})
        make_job(JobState.DEAD, queue="secret")

        response = client.get(HEALTH, {"queues": "secret"})

        assert response.content == b"unhealthy\n"
        assert "secret" not in str(response.headers)

    def test_it_may_only_be_looked_at(self, client: Client):
        assert client.head(HEALTH).status_code == 503
        assert client.post(HEALTH).status_code == 405

    @pytest.mark.postgresql
    def test_a_database_that_does_not_answer_in_time_is_told_as_such(self, client, monkeypatch):
        monkeypatch.setattr("django_jobqueue.jobs.health.READ_LIMIT", timedelta(seconds=0.02))
        with table_locked("jobqueue_job"):
            response = client.get(HEALTH)

        assert (response.status_code, response.content) == (503, views.NO_DATABASE.encode())

    def test_a_database_that_fails_is_told_without_its_words(self, client: Client):
        def fail(*args: object) -> None:
            raise OperationalError("connection to host=10.0.0.1 user=secret failed")

        with connection.execute_wrapper(fail):
            response = client.get(HEALTH)

        assert (response.status_code, response.content) == (503, views.NO_DATABASE.encode())

    def test_no_transaction_is_opened_before_it_is_asked(self, client: Client):
        assert "default" in views.health._non_atomic_requests


class TestRemembering:
    def test_a_crowd_costs_one_look(self, client: Client):
        client.get(HEALTH)
        with CaptureQueriesContext(connection) as captured:
            for _ in range(20):
                client.get(HEALTH)

        assert len(captured) == 0

    def test_it_looks_again_after_a_second(self):
        clock, words = [0.0], iter(["one", "two"])
        remembered = views.Remembered(lambda: next(words), elapsed=lambda: clock[0])

        told = []
        for clock[0] in (0.0, 0.99, 1.0, 1.5):
            told.append(remembered.answer())

        assert told == ["one", "one", "two", "two"]

    def test_nobody_waits_for_the_one_who_looks_and_a_look_that_hangs_is_told(self):
        clock = [0.0]
        looking, may_end = threading.Event(), threading.Event()
        looks = []

        def look() -> str:
            looks.append(len(looks))
            if len(looks) == 2:
                looking.set()
                assert may_end.wait(10)
            return f"look {len(looks)}"

        remembered = views.Remembered(look, elapsed=lambda: clock[0])
        assert remembered.answer() == "look 1"
        clock[0] = 2.0
        thread = threading.Thread(target=remembered.answer)
        thread.start()
        assert looking.wait(10)

        meanwhile = remembered.answer()
        clock[0] = 6.0
        hanging = remembered.answer()
        may_end.set()
        thread.join(10)

        assert (meanwhile, hanging) == ("look 1", views.NO_DATABASE)
        assert remembered.answer() == "look 2"

    def test_who_has_nothing_to_tell_yet_waits_for_the_first_look(self):
        looking, may_end = threading.Event(), threading.Event()
        told = []

        def look() -> str:
            looking.set()
            assert may_end.wait(10)
            return "look"

        remembered = views.Remembered(look)
        first, second = (
            threading.Thread(target=lambda: told.append(remembered.answer())) for _ in range(2)
        )
        first.start()
        assert looking.wait(10)
        second.start()
        second.join(0.1)
        assert told == []
        may_end.set()
        first.join(10)
        second.join(10)

        assert told == ["look", "look"]

    def test_a_look_that_raises_is_not_the_last(self):
        words: Iterator[object] = iter([ViewDoesNotExist("broken"), "well"])

        def look() -> str:
            word = next(words)
            if isinstance(word, Exception):
                raise word
            return str(word)

        remembered = views.Remembered(look)
        with pytest.raises(ViewDoesNotExist):
            remembered.answer()

        assert remembered.answer() == "well"
