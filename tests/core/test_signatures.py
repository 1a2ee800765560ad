"""Annotations that cannot be read, and those that say more than a type."""

from dataclasses import dataclass
from typing import Annotated

import msgspec
import pytest

from django_jobqueue.core.errors import InvalidArguments, InvalidHandler
from django_jobqueue.core.serialization import ArgumentSpec


def test_an_annotation_of_a_field_that_is_no_expression_is_refused():
    @dataclass
    class Broken:
        a: "1 +"  # noqa: F722  (that is the point)

    with pytest.raises(InvalidHandler, match="its parameters cannot be read"):
        ArgumentSpec.of(Broken)


def test_what_tells_nothing_of_its_parameters_is_refused():
    with pytest.raises(InvalidHandler, match="its parameters cannot be read"):
        ArgumentSpec.of(5, name="five")  # type: ignore[arg-type]


def test_the_bounds_of_an_annotation_hold_for_functions_and_fields():
    def send(a: Annotated[int, msgspec.Meta(ge=0)]) -> None: ...

    @dataclass
    class Send:
        a: Annotated[int, msgspec.Meta(ge=0)]

    for target in (send, Send):
        with pytest.raises(InvalidArguments, match=">= 0"):
            ArgumentSpec.of(target).bind((), {"a": -1})


def test_a_call_that_does_not_fit_is_told_the_parameters_and_no_more():
    def send(a: int, *, b: str = "x") -> None: ...

    with pytest.raises(InvalidArguments, match=r"It takes \(a: int, \*, b: str = 'x'\)\.$"):
        ArgumentSpec.of(send).bind((), {"c": 1})


def test_a_call_may_have_no_keywords_or_no_arguments_at_all():
    def send(a: int) -> None: ...

    assert ArgumentSpec.of(send).bind((1,)) == {"args": [], "kwargs": {"a": 1}}
    assert ArgumentSpec.of(lambda: None).bind() == {"args": [], "kwargs": {}}
