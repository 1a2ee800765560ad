"""How calls are bound and stored; what each annotation does is in test_converters.py."""

from __future__ import annotations

import inspect
import timeit
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, partial, wraps
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jobqueue.core.errors import InvalidArguments, InvalidHandler
from django_jobqueue.core.payloads import dump_payload, load_payload
from django_jobqueue.core.serialization import ArgumentSpec

if TYPE_CHECKING:
    from somewhere import OnlyForTypeCheckers


class Context:
    """Stands for the running job."""


class SpecialContext(Context):
    pass


def plain(a: int, b: str = "x", *, c: float = 1.0) -> None: ...


def positional(a: int, b: int = 2, /, d: int = 4) -> None: ...


def surplus(a: int, b: int = 2, *rest: int, c: int = 3) -> None: ...


def by_any_name(a: int, /, b: int = 2, **more: timedelta) -> None: ...


def call(spec, *args, **kwargs):
    return spec.bind(args, kwargs)


def there_and_back(spec, *args, **kwargs):
    return spec.load(*load_payload(dump_payload(spec.bind(args, kwargs))))


class TestOneCallHasOneForm:
    def test_what_can_be_given_by_name_is_stored_by_name(self):
        spec = ArgumentSpec.of(plain)

        assert call(spec, 1) == call(spec, a=1) == {"args": [], "kwargs": {"a": 1}}
        assert call(spec, 1, "y", c=2.0) == call(spec, c=2.0, b="y", a=1)

    def test_defaults_are_not_stored(self):
        assert call(ArgumentSpec.of(plain), 1)["kwargs"] == {"a": 1}

    def test_positional_only_arguments_are_stored_in_order(self):
        spec = ArgumentSpec.of(positional)

        assert call(spec, 1, 3, 5) == call(spec, 1, 3, d=5) == {"args": [1, 3], "kwargs": {"d": 5}}
        assert call(spec, 1, d=5) == {"args": [1], "kwargs": {"d": 5}}

    def test_surplus_arguments_take_those_before_them_along(self):
        spec = ArgumentSpec.of(surplus)

        assert call(spec, 1, 2, 8, 9, c=4) == {"args": [1, 2, 8, 9], "kwargs": {"c": 4}}
        assert call(spec, 1, 2) == {"args": [], "kwargs": {"a": 1, "b": 2}}
        assert there_and_back(spec, 1, 2, 8, 9) == ([1, 2, 8, 9], {})

    def test_a_keyword_may_share_its_name_with_a_positional_argument(self):
        spec = ArgumentSpec.of(by_any_name)

        assert there_and_back(spec, 1, a=timedelta(2)) == ([1], {"a": timedelta(2)})

    @given(
        args=st.lists(st.integers(), max_size=6),
        kwargs=st.dictionaries(st.sampled_from("abcd"), st.integers()),
    )
    @pytest.mark.parametrize("handler", [positional, surplus])
    def test_a_stored_call_gives_the_handler_what_the_call_itself_would(
        self, handler, args, kwargs
    ):
        spec = ArgumentSpec.of(handler)
        signature = inspect.signature(handler)
        try:
            meant = signature.bind(*args, **kwargs).arguments
        except TypeError:
            with pytest.raises(InvalidArguments):
                spec.bind(args, kwargs)
            return
        stored_args, stored_kwargs = there_and_back(spec, *args, **kwargs)
        assert signature.bind(*stored_args, **stored_kwargs).arguments == meant


class TestACallThatDoesNotFit:
    @pytest.mark.parametrize(
        ("args", "kwargs", "why"),
        [
            ((), {}, "missing a required argument: 'a'"),
            ((1, "x", 2.0), {}, "too many positional arguments"),
            ((1,), {"a": 1}, "multiple values for argument 'a'"),
            ((), {"a": 1, "bb": 2}, r"no argument 'bb'\. Did you mean 'b'\? It takes \(a: int"),
            ((), {"zebra": 2}, r"no argument 'zebra'\. It takes"),
        ],
    )
    def test_is_refused_with_what_the_handler_takes(self, args, kwargs, why):
        spec = ArgumentSpec.of(plain, name="shop.send")

        with pytest.raises(InvalidArguments, match=why) as bound:
            spec.bind(args, kwargs)
        with pytest.raises(InvalidArguments, match=why):
            spec.load(args, kwargs)
        assert bound.value.handler == "shop.send"

    @pytest.mark.parametrize(
        ("args", "kwargs", "told"),
        [
            (("5",), {}, "argument 'a' must be int, not '5'"),
            ((True,), {}, "argument 'a' must be int, not True"),
            ((None,), {}, "argument 'a' must be int, not None"),
            ((1, 2), {}, "argument 'b' must be str, not 2"),
            ((1,), {"c": "2"}, "argument 'c' must be float, not '2'"),
        ],
    )
    def test_is_refused_by_parameter_type_and_value(self, args, kwargs, told):
        spec = ArgumentSpec.of(plain, name="shop.send")

        with pytest.raises(InvalidArguments) as caught:
            spec.bind(args, kwargs)
        assert str(caught.value).startswith(f"shop.send: {told}: Expected")
        with pytest.raises(InvalidArguments):
            spec.load(args, kwargs)

    def test_is_refused_by_the_annotation_of_surplus_arguments_too(self):
        with pytest.raises(InvalidArguments, match="'rest' must be int, not '3'"):
            call(ArgumentSpec.of(surplus), 1, 2, "3")
        with pytest.raises(InvalidArguments, match=r"'wait' must be datetime\.timedelta, not \["):
            call(ArgumentSpec.of(by_any_name), 1, wait=[3])

    def test_is_refused_however_its_value_prints(self):
        class Mute:
            def __repr__(self):
                raise SystemExit

        with pytest.raises(InvalidArguments, match="Mute"):
            call(ArgumentSpec.of(plain), Mute())


def in_context(context: Context, a: int) -> None: ...


def in_context_by_keyword(a: int, *rest: int, context: SpecialContext | None = None) -> None: ...


class TestTheContextParameter:
    def test_is_no_argument_of_the_call(self):
        spec = ArgumentSpec.of(in_context, context_type=Context)

        assert spec.context_parameter == "context"
        assert spec.parameters == ("a",)
        assert call(spec, 1) == {"args": [], "kwargs": {"a": 1}}
        with pytest.raises(InvalidArguments, match="no argument 'context'"):
            call(spec, a=1, context=None)

    def test_may_be_optional_and_of_a_subclass(self):
        spec = ArgumentSpec.of(in_context_by_keyword, context_type=Context)

        assert spec.context_parameter == "context"
        assert call(spec, 1, 2) == {"args": [1, 2], "kwargs": {}}

    def test_is_none_where_nothing_asks_for_it(self):
        assert ArgumentSpec.of(plain, context_type=Context).context_parameter is None

    def test_must_be_one_that_can_be_passed_by_keyword(self):
        def positional_only(context: Context, /) -> None: ...

        def before_surplus(context: Context, *rest: int) -> None: ...

        def twice(one: Context, other: Context) -> None: ...

        for handler, why in [
            (positional_only, "make 'context' keyword-only"),
            (before_surplus, "make 'context' keyword-only"),
            (twice, "both 'one' and 'other'"),
        ]:
            with pytest.raises(InvalidHandler, match=why):
                ArgumentSpec.of(handler, context_type=Context)


@dataclass
class Divide:
    a: int
    b: int = 1
    when: datetime | None = field(default=None, kw_only=True)
    seed: InitVar[int] = 0
    cached: float = field(default=0.0, init=False)


class Multiply(msgspec.Struct):
    a: int
    factors: list[int] = []


class Mailer:
    def send(self, a: int) -> None: ...


class TestWhatCanBeDeclared:
    def test_the_fields_of_a_dataclass_are_its_arguments(self):
        spec = ArgumentSpec.of(Divide)
        when = datetime(2026, 1, 2)  # noqa: DTZ001 - a naive time stays naive

        assert spec.parameters == ("a", "b", "seed", "when")
        assert there_and_back(spec, 6, b=3, when=when) == ([], {"a": 6, "b": 3, "when": when})

    def test_the_fields_of_a_struct_are_its_arguments(self):
        assert call(ArgumentSpec.of(Multiply), 6, [3]) == {
            "args": [],
            "kwargs": {"a": 6, "factors": [3]},
        }

    def test_a_bound_method_takes_what_follows_self(self):
        assert ArgumentSpec.of(Mailer().send).parameters == ("a",)

    def test_a_wrapped_function_takes_what_the_wrapped_one_takes(self):
        @wraps(plain)
        def wrapper(*args: Any, **kwargs: Any) -> None: ...

        assert ArgumentSpec.of(wrapper).parameters == ("a", "b", "c")

    def test_a_wrapper_without_a_module_resolves_names_where_the_function_stands(self):
        assert ArgumentSpec.of(lru_cache(by_any_name)).parameters == ("a", "b")

    def test_it_is_named_by_module_and_qualified_name_unless_said_otherwise(self):
        assert ArgumentSpec.of(plain).handler == f"{__name__}.plain"
        assert ArgumentSpec.of(partial(plain, 1), name="one").handler == "one"

    def test_a_return_annotation_may_be_for_type_checkers_only(self):
        def handler(a: int) -> OnlyForTypeCheckers: ...

        assert ArgumentSpec.of(handler).parameters == ("a",)

    def test_an_annotation_that_cannot_be_resolved_is_refused_by_parameter(self):
        def handler(a: int, b: OnlyForTypeCheckers) -> None: ...

        with pytest.raises(InvalidHandler, match=r"'OnlyForTypeCheckers'.*parameter 'b'"):
            ArgumentSpec.of(handler)

    def test_an_annotation_of_a_field_that_cannot_be_resolved_is_refused(self):
        @dataclass
        class Broken:
            a: OnlyForTypeCheckers

        with pytest.raises(InvalidHandler, match="'OnlyForTypeCheckers' is not defined"):
            ArgumentSpec.of(Broken)

    def test_a_class_that_json_cannot_hold_is_refused_with_the_way_out(self):
        def handler(a: int, mailer: list[Mailer] | None) -> None: ...

        with pytest.raises(
            InvalidHandler, match=r"'mailer' is annotated .*Mailer.*its id"
        ) as caught:
            ArgumentSpec.of(handler, name="shop.send")
        assert caught.value.handler == "shop.send"

    def test_an_ambiguous_union_is_refused(self):
        def handler(a: datetime | str) -> None: ...

        with pytest.raises(InvalidHandler, match=r"'a' is annotated .*more than one str-like type"):
            ArgumentSpec.of(handler)


class TestArgumentsByName:
    def test_positional_only_ones_have_their_names(self):
        spec = ArgumentSpec.of(positional)

        assert spec.named(call(spec, 1, 2, d=3)) == {"a": 1, "b": 2, "d": 3}

    def test_surplus_ones_have_none(self):
        spec = ArgumentSpec.of(surplus)

        assert spec.named(call(spec, 1, 2, 8, 9, c=3)) == {"a": 1, "b": 2, "c": 3}


def test_an_ordinary_call_is_bound_and_loaded_in_microseconds():
    spec = ArgumentSpec.of(plain)

    def once():
        spec.load([], spec.bind((), {"a": 1, "b": "x"})["kwargs"])

    assert min(timeit.repeat(once, number=1000, repeat=5)) / 1000 < 20e-6
