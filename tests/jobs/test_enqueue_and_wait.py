"""Enqueueing a job and waiting for it in one call."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction

from django_jobqueue.core.errors import InvalidArguments, InvalidOptions, JobNotStored
from django_jobqueue.models import Job
from tests.handlers import Divide, add

from .finishing import SUCCEEDED, finish_next
from .spools import waiting
from .waits import PATIENCE, beside, lookout_threads, until

pytestmark = pytest.mark.django_db(transaction=True)

CALLS: dict[str, Callable[[], Any]] = {
    "function": lambda: add.enqueue_and_wait(PATIENCE, 1, b=2),
    "span": lambda: add.enqueue_and_wait(timedelta(seconds=PATIENCE), 1, b=2),
    "using": lambda: add.using(priority=3).enqueue_and_wait(PATIENCE, 1, b=2),
    "class": lambda: Divide.enqueue_and_wait(PATIENCE, 1, b=2),
    "instance": lambda: Divide(1, b=2).enqueue_and_wait(PATIENCE),
    "using of an instance": lambda: Divide(1, b=2).using(priority=3).enqueue_and_wait(PATIENCE),
    "coroutine": lambda: async_to_sync(add.aenqueue_and_wait)(PATIENCE, 1, b=2),
    "coroutine of an instance": lambda: async_to_sync(Divide(1, b=2).aenqueue_and_wait)(PATIENCE),
}


@pytest.fixture(autouse=True)
def lookouts_at_rest() -> Iterator[None]:
    yield
    until(lambda: not lookout_threads())


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_it_enqueues_the_job_and_returns_its_record(call: Callable[[], Any]):
    with beside(call) as [wait]:
        until(Job.objects.exists)
        job_id = finish_next(SUCCEEDED)
        found = wait.result(PATIENCE)

    assert (found.id, found.result) == (job_id, [3])
    arguments = found.payload
    assert arguments in (
        {"args": [1], "kwargs": {"b": 2}},
        {"args": [], "kwargs": {"a": 1, "b": 2}},
    )


def test_after_the_timeout_the_job_goes_on_and_the_error_names_it():
    with pytest.raises(TimeoutError) as caught:
        add.enqueue_and_wait(0, 1)

    assert f"job {Job.objects.get().pk} is still ready" in str(caught.value)


@pytest.mark.parametrize("call", [call for name, call in CALLS.items() if "coroutine" not in name])
def test_inside_a_transaction_nothing_is_enqueued(call: Callable[[], Any]):
    with transaction.atomic():
        with pytest.raises(transaction.TransactionManagementError, match="waiting for a job"):
            call()

        assert not Job.objects.exists()


def test_what_the_handler_would_refuse_is_refused_at_once():
    with pytest.raises(InvalidArguments):
        add.enqueue_and_wait(PATIENCE, "one")


def test_a_first_argument_that_is_no_timeout_is_refused_and_nothing_enqueued():
    with pytest.raises(TypeError, match="'one' is no timeout"):
        add.enqueue_and_wait("one")
    with pytest.raises(TypeError, match="is no timeout"):
        async_to_sync(add.aenqueue_and_wait)("one")

    assert not Job.objects.exists()


def test_a_schedule_is_not_waited_for():
    with pytest.raises(InvalidOptions, match="a schedule has no end to wait for"):
        Divide(1).using(every=60).enqueue_and_wait(PATIENCE)
    with pytest.raises(InvalidOptions, match="a schedule has no end to wait for"):
        async_to_sync(Divide(1).using(every=60).aenqueue_and_wait)(PATIENCE)


def test_a_job_that_went_into_the_spool_is_told_as_such(away, spool):
    with away(), pytest.raises(JobNotStored, match="nobody waits for") as caught:
        add.enqueue_and_wait(PATIENCE, 1)

    assert [entry.receipt for entry in waiting(spool)] == [caught.value.receipt]


def test_the_event_loop_is_free_meanwhile():
    async def enqueueing() -> Any:
        wait = asyncio.ensure_future(add.aenqueue_and_wait(PATIENCE, 1))
        while not await Job.objects.aexists():
            await asyncio.sleep(0.005)
        await asyncio.to_thread(finish_beside)
        return (await wait).result

    assert async_to_sync(enqueueing)() == [3]


def finish_beside() -> None:
    with beside(lambda: finish_next(SUCCEEDED)) as [done]:
        done.result(PATIENCE)
