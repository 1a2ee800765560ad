"""What @job, using() and Queue.configure() say of limits."""

from collections.abc import Callable
from typing import Any

import pytest

from django_jobqueue import Constant, Queue, job
from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.core.limits import Limit
from django_jobqueue.jobs.handlers import Handler
from django_jobqueue.jobs.registry import Registry
from django_jobqueue.models import Job, QueueRecord

pytestmark = pytest.mark.django_db


def charge(account_id: int, note: str = "") -> None: ...


def declared(**options: Any) -> Any:
    return job(name="charge", registry=Registry(), **options)(charge)


class TestHandlers:
    def test_a_handler_has_the_limits_that_were_declared(self) -> None:
        handler: Handler = declared(
            concurrency=2, max_running=5, rate="100/m", rate_burst=3, key_limit=4, key_rate="1/s"
        ).handler

        assert handler.limits.concurrency == 2
        assert handler.limits.limit == Limit(max_running=5, rate="100/m", rate_burst=3)
        assert handler.limits.key_limit == Limit(max_running=4, rate="1/s")
        assert handler.is_limited

    def test_a_handler_without_limits_is_not_limited(self) -> None:
        assert not declared().handler.is_limited

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("concurrency", 0),
            ("max_running", -1),
            ("max_running", True),
            ("rate", "often"),
            ("rate_burst", 1.5),
            ("key_limit", 0),
            ("key_rate", 3),
            ("concurrency_key", ""),
            ("concurrency_key", "{acount_id}"),
            ("concurrency_key", "{account_id"),
            ("concurrency_key", "{account_id.real}"),
        ],
    )
    def test_a_limit_that_cannot_be_meant_is_refused(self, option: str, value: object) -> None:
        with pytest.raises(InvalidOptions, match=f"'{option}'"):
            declared(**{option: value})


class TestKeys:
    def test_a_key_is_made_of_the_arguments(self) -> None:
        keyed = declared(concurrency_key="account:{account_id}")

        keyed.enqueue(7)
        keyed.enqueue(account_id=8)
        keyed.enqueue_many([{"account_id": 9}, [10]])

        keys = Job.objects.order_by("id").values_list("concurrency_key", flat=True)
        assert list(keys) == ["account:7", "account:8", "account:9", "account:10"]

    def test_a_key_of_an_argument_that_was_not_given_is_refused(self) -> None:
        with pytest.raises(InvalidOptions, match="leaves to its default"):
            declared(concurrency_key="{note}").enqueue(7)

    def test_a_key_that_becomes_too_long_is_refused(self) -> None:
        with pytest.raises(InvalidOptions, match="'concurrency_key'"):
            declared(concurrency_key="{note}").enqueue(7, note="x" * 256)


class TestQueues:
    def test_what_is_set_is_kept_and_what_is_not_named_stays(self) -> None:
        queue = Queue("mail")
        queue.configure(concurrency=3, max_running=10, rate="100/m", rate_burst=5)
        queue.configure(max_attempts=7, backoff=Constant(3), archive_retention=60, dead_retention=0)

        row = QueueRecord.objects.get()
        assert (row.name, row.concurrency, row.max_running) == ("mail", 3, 10)
        assert (row.rate, row.rate_burst, row.max_attempts) == ("100/m", 5, 7)
        assert (row.archive_retention_seconds, row.dead_retention_seconds) == (60, 0)
        assert row.backoff == Constant(3).to_json()

    def test_none_brings_a_default_back(self) -> None:
        queue = Queue("mail")
        queue.configure(max_running=10, rate_burst=5)

        queue.configure(max_running=None, rate_burst=None)

        row = QueueRecord.objects.get()
        assert (row.max_running, row.rate_burst) == (None, 1)

    def test_a_pause_outlives_it(self) -> None:
        queue = Queue("mail")
        queue.pause()

        queue.configure(max_running=1)

        assert queue.stats().paused_at is not None

    @pytest.mark.parametrize(
        "call",
        [
            lambda queue: queue.configure(),
            lambda queue: queue.configure(max_runing=1),
            lambda queue: queue.configure(max_running=0),
            lambda queue: queue.configure(rate="1/fortnight"),
            lambda queue: queue.configure(max_attempts=0),
            lambda queue: queue.configure(backoff=3),
            lambda queue: queue.configure(archive_retention=-1),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, call: Callable[[Queue], None]) -> None:
        with pytest.raises(InvalidOptions):
            call(Queue("mail"))
        assert not QueueRecord.objects.exists()
