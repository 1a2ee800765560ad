from typing import Any

import pytest
from django.db import transaction

from django_jobqueue import JobHandle
from django_jobqueue.core.errors import InvalidArguments, PayloadError, PayloadTooLarge
from django_jobqueue.models import Job
from tests.handlers import Divide, add, greet, keep_anything

pytestmark = pytest.mark.django_db


def stored(handle: JobHandle) -> Job:
    return Job.objects.get(pk=handle.id)


def test_dictionaries_and_tuples_are_calls():
    handles = add.enqueue_many([{"a": 1}, (2, 3), [4]])

    assert [stored(handle).payload["kwargs"] for handle in handles] == [
        {"a": 1},
        {"a": 2, "b": 3},
        {"a": 4},
    ]
    assert all(handle.created for handle in handles)


def test_instances_are_calls():
    [handle] = Divide.enqueue_many([Divide(6, 3)])

    assert stored(handle).payload["kwargs"] == {"a": 6, "b": 3}


def test_handles_come_in_the_order_of_the_calls():
    handles = add.enqueue_many({"a": number} for number in range(50))

    assert [stored(handle).payload["kwargs"]["a"] for handle in handles] == list(range(50))


def test_nothing_to_enqueue_is_no_statement(django_assert_num_queries: Any):
    with django_assert_num_queries(0):
        assert add.enqueue_many([]) == []


@pytest.mark.parametrize(
    ("handler", "wrong", "error", "told"),
    [
        (keep_anything, {"value": float("nan")}, PayloadError, "job 1 of the call: kwargs['va"),
        (keep_anything, {"value": "x" * 300_000}, PayloadTooLarge, "job 1 of the call"),
        (add, {"a": "x"}, InvalidArguments, "tests.handlers.add: job 1 of the call: argument"),
        (add, 7, InvalidArguments, "job 1 of the call: 7 is no call"),
        (add, "ab", InvalidArguments, "job 1 of the call: 'ab' is no call"),
    ],
)
def test_a_wrong_call_is_named_by_its_index_and_nothing_is_inserted(
    handler: Any, wrong: object, error: type[Exception], told: str
):
    right = {"a": 1} if handler is add else {"value": 1}

    with transaction.atomic():
        with pytest.raises(error) as refused:
            handler.enqueue_many([right, wrong, right])
        assert not Job.objects.exists()

    assert told in str(refused.value)


def test_options_hold_for_every_job():
    handles = greet.using(queue="slow").enqueue_many([("Ada",), ("Bob",)])

    assert {stored(handle).queue for handle in handles} == {"slow"}
