"""Results come back from JSON as the type that somebody asks for."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
import pytest

from django_jobqueue import JobHandle, JobNotFinished, UnexpectedResult
from django_jobqueue.core.payloads import dump_result
from django_jobqueue.core.specs import Transition
from django_jobqueue.core.states import JobState
from tests.handlers import add

from .finishing import DEAD, finish_next


@dataclass
class Totals:
    pages: int
    words: dict[str, int]


class Parcel(msgspec.Struct):
    order: int


class Colour(Enum):
    RED = "red"


def finished_with(result: object) -> JobHandle:
    handle = add.enqueue(1)
    text, was_stored_as_it_is = dump_result(result)
    assert was_stored_as_it_is
    finish_next(Transition(state=JobState.SUCCEEDED, result=text))
    return handle


@pytest.mark.django_db
class TestTypedResults:
    @pytest.mark.parametrize(
        ("result", "kind"),
        [
            (3, int),
            (None, type(None)),
            (Totals(pages=3, words={"chapter": 250}), Totals),
            (Parcel(order=7), Parcel),
            ((1, "a"), tuple[int, str]),
            ({"a": [1]}, dict[str, list[int]]),
            (datetime(2026, 3, 1, 12, 30, tzinfo=UTC), datetime),
            (Decimal("12.50"), Decimal),
            (UUID(int=5), UUID),
            (Colour.RED, Colour),
        ],
    )
    def test_what_a_handler_returned_comes_back(self, result: object, kind: Any):
        handle = finished_with(result)

        assert handle.typed_result(kind) == result
        assert type(handle.wait(timeout=0).typed_result(kind)) is type(result)

    def test_a_result_of_another_type_is_refused(self):
        handle = finished_with("seven")

        with pytest.raises(UnexpectedResult) as refused:
            handle.typed_result(int)

        assert str(refused.value) == (
            f"job {handle.id} is succeeded, and its result 'seven' is no int: "
            "Expected `int`, got `str`"
        )
        assert (refused.value.job_id, refused.value.result) == (handle.id, "seven")

    def test_a_job_that_did_not_succeed_has_none(self):
        handle = add.enqueue(1)
        finish_next(DEAD)

        with pytest.raises(UnexpectedResult, match=r"is dead, and its result None is no int"):
            handle.typed_result(int)

    def test_a_live_job_has_none_yet(self):
        with pytest.raises(JobNotFinished):
            add.enqueue(1).typed_result(int)
