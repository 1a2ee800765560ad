"""What an enqueue asks of the database: a round trip more is one that every caller waits for."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from django_jobqueue import UniqueConflict, job
from django_jobqueue.jobs.registry import Registry
from django_jobqueue.jobs.wakeups import BURST
from tests.handlers import add

pytestmark = pytest.mark.django_db(transaction=True)

AROUND = ("BEGIN", "COMMIT")
INSERT, LOOK = "INSERT INTO jobqueue_job", "SELECT id FROM jobqueue_job"
WAKE_UP = "SELECT pg_notify"
LATER = datetime(2100, 1, 1, tzinfo=UTC)


@job(registry=Registry(), max_running=2, rate="100/m", concurrency_key="account:{account}")
def limited(account: int) -> None: ...


@pytest.fixture
def queue() -> str:
    """One that this process has not woken yet."""
    return f"queue-{uuid4()}"


@pytest.fixture
def woken(queue: str) -> Iterator[str]:
    """One that was woken as often as was saved, and is not woken again so soon."""
    with override_settings(JOBQUEUE={"NOTIFY_DEBOUNCE": timedelta(hours=1)}):
        for number in range(BURST):
            add.using(queue=queue).enqueue(number)
        yield queue


def statements(work: Callable[[], object]) -> list[str]:
    """The beginnings of what is sent, savepoints included."""
    with CaptureQueriesContext(connection) as captured:
        work()
    sent = [each["sql"] for each in captured if not each["sql"].startswith(AROUND)]
    known = (INSERT, LOOK, WAKE_UP)
    return [next((one for one in known if text.startswith(one)), text) for text in sent]


@pytest.fixture
def one_wake_up() -> list[str]:
    return [WAKE_UP] if connection.vendor == "postgresql" else []


class TestOne:
    @pytest.mark.usefixtures("unsurrounded")
    def test_a_job_is_one_message_with_its_wake_up(self, queue: str):
        with CaptureQueriesContext(connection) as captured:
            add.using(queue=queue).enqueue(1)

        [message] = [each["sql"] for each in captured]
        assert INSERT in message
        assert ("pg_notify" in message) == (connection.vendor == "postgresql")

    def test_one_with_a_key_is_a_statement_and_the_wake_up(
        self, queue: str, one_wake_up: list[str]
    ):
        unique = add.using(queue=queue, unique_key=queue)

        assert statements(lambda: unique.enqueue(1)) == [INSERT, *one_wake_up]

    def test_a_queue_that_was_woken_often_is_not_woken_again(self, woken: str):
        assert statements(lambda: add.using(queue=woken).enqueue(1)) == [INSERT]

    def test_a_job_for_later_wakes_nobody(self, queue: str):
        assert statements(lambda: add.using(queue=queue, delay=60).enqueue(1)) == [INSERT]

    def test_options_limits_and_keys_cost_no_other_statement(self, woken: str):
        options = {"queue": woken, "priority": 9, "tags": ["a"], "meta": {"b": 1}, "timeout": 5}

        assert statements(lambda: add.using(**options, max_attempts=2).enqueue(1)) == [INSERT]
        assert statements(lambda: limited.using(queue=woken).enqueue(7)) == [INSERT]
        assert statements(lambda: add.using(**options, unique=True).enqueue(1)) == [INSERT]

    @pytest.mark.parametrize("options", [{}, {"priority": 9, "expires_at": LATER, "tags": ["a"]}])
    def test_it_has_no_parameter_that_is_not_in_its_text(
        self, woken: str, options: dict[str, object]
    ):
        """The driver looks at each of them, used or not."""
        sent: list[tuple[str, set[str]]] = []

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            sent.append((sql, set(params or ())))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            add.using(queue=woken, **options).enqueue(1)

        [(text, names)] = [one for one in sent if one[0].startswith(INSERT)]
        assert names == set(re.findall(r"%\((\w+)\)s", text))

    def test_a_key_that_is_taken_is_one_statement_more(self, woken: str):
        unique = add.using(queue=woken, unique_key=woken)
        unique.enqueue(1)

        assert statements(lambda: unique.enqueue(1)) == [INSERT, LOOK]

    def test_so_it_is_where_that_is_an_error(self, woken: str):
        unique = add.using(queue=woken, unique_key=woken, on_conflict="raise")
        unique.enqueue(1)

        def enqueue_again() -> None:
            with pytest.raises(UniqueConflict):
                unique.enqueue(1)

        assert statements(enqueue_again) == [INSERT, LOOK]


class TestInATransaction:
    def test_every_job_is_one_statement_without_a_savepoint(
        self, queue: str, one_wake_up: list[str]
    ):
        def enqueue_three() -> None:
            with transaction.atomic():
                for number in range(3):
                    add.using(queue=queue).enqueue(number)

        assert statements(enqueue_three) == [INSERT, INSERT, INSERT, *one_wake_up]

    def test_one_that_is_rolled_back_wakes_nobody(self, queue: str):
        def enqueue_in_vain() -> None:
            with transaction.atomic():
                add.using(queue=queue).enqueue(1)
                transaction.set_rollback(True)

        assert INSERT in statements(enqueue_in_vain)
        assert WAKE_UP not in statements(enqueue_in_vain)


class TestMany:
    @pytest.mark.postgresql
    @pytest.mark.parametrize("count", [2, 2_500])
    def test_any_number_of_jobs_is_a_copy_and_the_reservation_of_its_ids(
        self, woken: str, count: int
    ):
        calls = [{"a": number} for number in range(count)]
        reserve, copy = statements(lambda: add.using(queue=woken).enqueue_many(calls))

        assert "nextval" in reserve
        assert copy.startswith("COPY jobqueue_job")

    @pytest.mark.sqlite
    def test_a_thousand_jobs_are_one_statement_under_the_write_lock(self, woken: str):
        calls = [{"a": number} for number in range(2_500)]
        lock, *inserts = statements(lambda: add.using(queue=woken).enqueue_many(calls))

        assert lock.startswith("UPDATE jobqueue_worker")
        assert len(inserts) == 3

    def test_jobs_whose_keys_are_free_are_a_statement_for_each_thousand(self, woken: str):
        calls = [{"a": number} for number in range(1_500)]
        sent = statements(lambda: add.using(queue=woken, unique=True).enqueue_many(calls))

        assert len([text for text in sent if "INSERT INTO jobqueue_job" in text]) == 2
        assert LOOK not in sent

    def test_one_job_is_as_cheap_as_it_is_alone(self, woken: str):
        assert statements(lambda: add.using(queue=woken).enqueue_many([(1,)])) == [INSERT]
