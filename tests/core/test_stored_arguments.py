"""What is told of stored arguments that may not fit, and of those that are not complete yet."""

import pytest

from django_jobqueue.core.errors import InvalidArguments
from django_jobqueue.core.serialization import ArgumentSpec


def plain(a: int, b: str = "x") -> None: ...


def with_any_name(a: int, **more: int) -> None: ...


class TestAnArgumentThatComesLater:
    def test_is_missing_when_a_stored_call_is_loaded(self):
        spec = ArgumentSpec.of(plain)

        assert spec.load([], {"b": "y"}, later="a") == ([], {"b": "y"})
        assert ArgumentSpec.of(with_any_name).load([1], {}, later="page") == ([], {"a": 1})

    def test_is_missing_from_a_call_that_is_stored(self):
        spec = ArgumentSpec.of(plain)

        assert spec.bind(later="a") == {"args": [], "kwargs": {}}
        assert spec.bind(kwargs={"b": "y"}, later="a") == {"args": [], "kwargs": {"b": "y"}}

    def test_must_not_be_there_yet(self):
        with pytest.raises(InvalidArguments, match="'a' is given, and added later"):
            ArgumentSpec.of(plain).load([], {"a": 1}, later="a")

    def test_must_be_one_that_the_handler_takes(self):
        with pytest.raises(InvalidArguments, match="there is no argument 'page'"):
            ArgumentSpec.of(plain).load([], {"a": 1}, later="page")

    def test_leaves_the_others_to_be_checked(self):
        with pytest.raises(InvalidArguments, match="argument 'b' must be str"):
            ArgumentSpec.of(plain).load([], {"b": 7}, later="a")


class TestTheOutline:
    def test_of_a_wrong_value_is_without_it(self):
        with pytest.raises(InvalidArguments, match="my secret") as refused:
            ArgumentSpec.of(plain).bind(["my secret"])

        assert refused.value.outline == "argument 'a' must be int"

    def test_of_a_call_that_has_no_such_form_is_all_that_is_known(self):
        with pytest.raises(InvalidArguments) as refused:
            ArgumentSpec.of(plain).bind([], {"d": "my secret"})

        assert refused.value.outline == refused.value.why
        assert "secret" not in refused.value.why


def test_calls_that_mean_the_same_are_bound_to_what_is_equal_already():
    spec = ArgumentSpec.of(plain)

    assert spec.canonical(spec.bind([1], {"b": "y"})) == spec.bind(kwargs={"a": 1, "b": "y"})
