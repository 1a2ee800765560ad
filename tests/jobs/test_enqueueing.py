from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from django_jobqueue import JobHandle, Queue
from django_jobqueue.core.backoff import Constant, NoRetry
from django_jobqueue.core.errors import (
    InvalidArguments,
    InvalidOptions,
)
from django_jobqueue.core.states import JobState
from django_jobqueue.models import Job
from tests.handlers import Divide, Ship, add, count_slowly, file_report, greet

pytestmark = pytest.mark.django_db

Told = list[tuple[str, dict[str, object]]]


def stored(handle: JobHandle) -> Job:
    return Job.objects.get(pk=handle.id)


class TestWhatIsStored:
    def test_a_job_is_ready_with_its_arguments_by_name(self):
        row = stored(add.enqueue(1, b=2))

        assert row.handler == "tests.handlers.add"
        assert row.payload == {"args": [], "kwargs": {"a": 1, "b": 2}}
        assert row.state == JobState.READY
        assert row.queue == "default"
        assert row.priority == 0
        assert row.attempt == 0
        assert row.fingerprint

    def test_a_handlers_options_are_those_of_its_jobs(self):
        row = stored(greet.enqueue("Ada"))

        assert (row.handler, row.queue, row.priority) == ("tests.greet", "mail", 5)
        assert (row.max_attempts, row.timeout_seconds, row.tags) == (7, 30.0, ["hello"])

    def test_the_settings_hold_where_nothing_is_said(self):
        with override_settings(JOBQUEUE={"MAX_ATTEMPTS": 11}):
            row = stored(add.enqueue(1))

        assert row.max_attempts == 11
        assert row.backoff is None

    def test_what_a_call_says_goes_before_what_the_handler_says(self):
        expires = datetime(2040, 1, 1, tzinfo=UTC)
        using = greet.using(
            queue="slow",
            priority=-3,
            max_retries=1,
            backoff=Constant(9),
            timeout=timedelta(seconds=5),
            fingerprint="mine",
            tags=["now"],
            meta={"by": "test"},
            expires_at=expires,
        )

        row = stored(using.enqueue("Ada"))

        assert (row.queue, row.priority, row.max_attempts) == ("slow", -3, 2)
        assert (row.timeout_seconds, row.fingerprint) == (5.0, "mine")
        assert row.backoff["kind"] == "constant"
        assert row.tags == ["hello", "now"]
        assert row.meta == {"by": "test"}
        assert row.expires_at == expires

    def test_what_was_said_before_stays_said(self):
        row = stored(add.using(queue="slow").using(priority=2).enqueue(1))

        assert (row.queue, row.priority) == ("slow", 2)

    def test_using_leaves_the_handler_as_it_was(self):
        greet.using(queue="slow", tags=["now"])

        row = stored(greet.enqueue("Ada"))

        assert (row.queue, row.tags) == ("mail", ["hello"])

    def test_a_backoff_without_retries_allows_one_attempt(self):
        assert stored(greet.using(backoff=NoRetry()).enqueue("Ada")).max_attempts == 1

    def test_a_delayed_job_is_scheduled(self):
        row = stored(add.using(delay=timedelta(hours=1)).enqueue(1))

        assert row.state == JobState.SCHEDULED
        assert timedelta(minutes=59) < row.run_at - row.created_at < timedelta(minutes=61)

    def test_a_job_for_a_time_is_scheduled_for_that_time(self):
        run_at = datetime(2040, 5, 1, 12, tzinfo=UTC)

        row = stored(add.using(run_at=run_at).enqueue(1))

        assert (row.state, row.run_at) == (JobState.SCHEDULED, run_at)

    def test_a_job_for_a_time_that_has_passed_is_ready(self):
        row = stored(add.using(run_at=datetime(2020, 1, 1, tzinfo=UTC)).enqueue(1))

        assert row.state == JobState.READY

    def test_typed_arguments_are_stored_in_their_json_form(self):
        row = stored(
            file_report.enqueue(
                datetime(2026, 1, 1, tzinfo=UTC), id=UUID(int=5), amount=Decimal("1.10")
            )
        )

        assert row.payload["kwargs"] == {
            "when": "2026-01-01T00:00:00Z",
            "id": str(UUID(int=5)),
            "amount": "1.10",
        }

    def test_the_context_is_no_argument_of_the_call(self):
        assert stored(count_slowly.enqueue(3)).payload["kwargs"] == {"upto": 3}

    @pytest.mark.postgresql
    def test_enqueueing_writes_once_and_asks_nothing(self):
        with CaptureQueriesContext(connection) as captured:
            add.enqueue(1)

        around = ("SAVEPOINT", "RELEASE")
        [statement] = [each["sql"] for each in captured if not each["sql"].startswith(around)]
        assert "INSERT INTO jobqueue_job" in statement


class TestClasses:
    def test_a_class_is_enqueued_by_its_fields(self):
        row = stored(Divide.enqueue(a=6, b=3))

        assert row.payload["kwargs"] == {"a": 6, "b": 3}

    def test_an_instance_is_enqueued_as_it_is_now(self):
        division = Divide(6, 3)
        division.a = 9

        assert stored(division.enqueue()).payload["kwargs"] == {"a": 9, "b": 3}

    def test_an_instance_takes_options_too(self):
        row = stored(Divide(6).using(queue="slow").enqueue())

        assert (row.queue, row.payload["kwargs"]) == ("slow", {"a": 6, "b": 1})

    def test_a_struct_is_enqueued_by_class_and_by_instance(self):
        assert stored(Ship.enqueue(order=1)).payload == stored(Ship(order=1).enqueue()).payload


class TestRefusedCalls:
    @pytest.mark.parametrize(
        ("args", "kwargs", "told"),
        [
            ((), {}, "missing a required argument: 'a'"),
            ((1, 2, 3), {}, "too many positional arguments"),
            ((1,), {"c": 2}, "'c'"),
            (("one",), {}, "argument 'a' must be int"),
            ((True,), {}, "argument 'a' must be int"),
        ],
    )
    def test_a_call_that_the_handler_would_refuse_is_refused_now(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], told: str
    ):
        with pytest.raises(InvalidArguments) as refused:
            add.enqueue(*args, **kwargs)

        assert str(refused.value).startswith("tests.handlers.add: ")
        assert told in str(refused.value)
        assert not Job.objects.exists()

    def test_an_option_that_does_not_go_with_the_handler_is_refused(self):
        with pytest.raises(InvalidOptions, match=r"no parameter of tests\.handlers\.add"):
            add.using(unique_by=["c"])


class TestTransactions:
    def test_an_enqueue_that_is_rolled_back_leaves_nothing(self):
        with transaction.atomic():
            add.enqueue(1)
            add.enqueue_many([{"a": 2}])
            transaction.set_rollback(True)

        assert not Job.objects.exists()

    def test_a_rollback_to_a_savepoint_takes_only_what_came_after(self):
        with transaction.atomic():
            kept = add.enqueue(1)
            with transaction.atomic():
                add.enqueue(2)
                transaction.set_rollback(True)

        assert [row.pk for row in Job.objects.all()] == [kept.id]


class TestEvents:
    def test_an_enqueued_job_is_told(self, told: Told):
        handle = greet.enqueue("Ada")

        assert told == [
            ("job.enqueued", {"job_id": handle.id, "handler": "tests.greet", "queue": "mail"})
        ]

    def test_a_job_that_was_not_created_is_told_as_such(self, told: Told):
        add.using(unique_key="k").enqueue(1)
        add.using(unique_key="k").enqueue(1)
        add.using(unique_key="k", on_conflict="replace").enqueue(1)

        assert [name for name, _ in told] == ["job.enqueued", "job.deduplicated", "job.replaced"]

    def test_every_job_of_a_bulk_call_is_told(self, told: Told):
        handles = add.enqueue_many([{"a": 1}, {"a": 2}])

        assert [facts["job_id"] for _, facts in told] == [handle.id for handle in handles]


class TestIntoAQueue:
    def test_a_queue_enqueues_what_job_returned(self):
        queue = Queue("special")

        for handle in (
            queue.enqueue(greet, "Ada"),
            queue.enqueue(Divide, a=1),
            queue.enqueue(greet.using(priority=1), "Ada"),
        ):
            assert stored(handle).queue == "special"

    def test_what_is_no_job_is_refused(self):
        for no_job in (print, "tests.greet", {"name": "Ada"}):
            with pytest.raises(TypeError, match="is no job"):
                Queue("special").enqueue(no_job, "Ada")


@pytest.mark.django_db(transaction=True)
class TestAsync:
    def test_the_twins_do_the_same(self):
        async def enqueue_all() -> list[JobHandle]:
            return [
                await add.aenqueue(1),
                *await add.aenqueue_many([{"a": 2}]),
                await Divide(6).aenqueue(),
                await Queue("special").aenqueue(add, 3),
            ]

        handles = async_to_sync(enqueue_all)()

        assert [stored(handle).payload["kwargs"] for handle in handles] == [
            {"a": 1},
            {"a": 2},
            {"a": 6, "b": 1},
            {"a": 3},
        ]
