import json
import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jobqueue.core.error_text import (
    MESSAGE_LIMIT,
    TEXT_LIMIT,
    describe_error,
    sanitise_json,
    short_repr,
    storable_text,
    type_name,
)


def raised(error):
    try:
        raise error
    except BaseException as caught:
        return caught


def assert_storable(text, limit):
    assert "\x00" not in text
    assert len(text.encode()) <= limit


class Mute(Exception):
    """Refuses to be printed in any way."""

    def __str__(self):
        raise SystemExit("no")

    def __repr__(self):
        raise KeyboardInterrupt("no")


class Liar(Exception):
    """Claims another class, and raises for whatever else it is asked."""

    def __getattribute__(self, name):
        if name == "__class__":
            return str
        raise RuntimeError(name)


class Breathless(Exception):
    def __str__(self):
        raise MemoryError


class Endless(Exception):
    def __str__(self):
        return str(self)


class Wordy(Exception):
    def __str__(self):
        return 5  # what str() refuses


class Nameless(type):
    def __getattribute__(cls, name):
        raise RuntimeError(name)


@dataclass
class NoSuchAccount(Exception):
    account_id: UUID
    at: datetime
    amount: Decimal
    tried: list[object] = field(default_factory=list)


@dataclass
class HalfMade(Exception):
    code: int
    detail: str = field(init=False)


def with_cyclic_causes():
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    first.__context__, second.__context__ = second, first
    return raised(first)


def with_many_causes():
    error = ValueError(0)
    for number in range(1, 2000):
        following = ValueError(number)
        following.__cause__ = error
        error = following
    return raised(error)


def with_deep_groups():
    error: Exception = ValueError("leaf")
    for number in range(200):
        error = ExceptionGroup(f"group {number}", [error, ValueError("other")])
    return raised(error)


def with_hostile_notes():
    error = ValueError("noted")
    error.__notes__ = [Mute(), "\x00\ud800"]
    return raised(error)


def past_the_recursion_limit():
    def again():
        return again()

    try:
        return again()
    except RecursionError as error:
        return error


HOSTILE = {
    "nul": lambda: raised(ValueError("a\x00b")),
    "surrogate": lambda: raised(ValueError("\ud800")),
    "huge": lambda: raised(ValueError("x" * 50_000_000)),
    "huge in bytes": lambda: raised(ValueError("🎉" * 100_000)),
    "mute": lambda: raised(Mute("secret")),
    "liar": lambda: raised(Liar()),
    "breathless": lambda: raised(Breathless()),
    "endless": lambda: raised(Endless()),
    "wordy": lambda: raised(Wordy()),
    "huge number": lambda: raised(KeyError(10**5000)),
    "cycle": with_cyclic_causes,
    "causes": with_many_causes,
    "groups": with_deep_groups,
    "notes": with_hostile_notes,
    "recursion": past_the_recursion_limit,
    "syntax": lambda: raised(SyntaxError("bad", ("f", "line", object(), Mute()))),
    "exit": lambda: raised(SystemExit(3)),
    "unraised": lambda: ValueError("never raised"),
    "no metaclass to ask": lambda: raised(Nameless("Odd", (Exception,), {})()),
    "half a dataclass": lambda: raised(HalfMade(3)),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
def test_any_error_can_be_described_and_stored(make):
    described = describe_error(make())

    assert described.type
    assert_storable(described.type, 255)
    assert_storable(described.message, MESSAGE_LIMIT)
    assert_storable(described.traceback, TEXT_LIMIT)
    assert described.traceback
    msgspec.json.encode(described.fields)


@given(text=st.text(st.characters()))
def test_any_message_can_be_stored(text):
    assert_storable(describe_error(ValueError(text)).message, MESSAGE_LIMIT)


class TestAnOrdinaryError:
    def test_has_its_qualified_type_its_message_and_the_line_that_raised_it(self):
        described = describe_error(raised(UnicodeError("no such user")))

        assert described.type == "UnicodeError"
        assert described.message == "no such user"
        assert "raise error" in described.traceback
        assert described.traceback.endswith("UnicodeError: no such user\n")
        assert described.fields == {}

    def test_of_a_module_names_the_module(self):
        assert describe_error(Mute()).type == f"{__name__}.Mute"

    def test_tells_of_its_cause(self):
        def fail():
            raise ValueError("no row") from KeyError("id")

        with pytest.raises(ValueError, match="no row") as caught:
            fail()
        assert "KeyError: 'id'" in describe_error(caught.value).traceback

    def test_tells_of_every_member_of_a_group(self):
        group = raised(ExceptionGroup("two", [ValueError("one"), KeyError("other")]))

        told = describe_error(group).traceback
        assert "ValueError: one" in told
        assert "KeyError: 'other'" in told

    def test_keeps_no_local_variables(self):
        def handler():
            password = "hunter" + "2"
            raise ValueError(len(password))

        with pytest.raises(ValueError, match="7") as caught:
            handler()
        assert "hunter2" not in describe_error(caught.value).traceback


class TestHostileErrors:
    def test_nul_and_surrogates_are_replaced(self):
        assert describe_error(ValueError("a\x00b\ud800")).message == "a\ufffdb\\ud800"

    def test_an_error_that_cannot_be_printed_is_named(self):
        assert describe_error(Mute()).message == f"<{__name__}.Mute that cannot be printed>"

    def test_a_long_traceback_keeps_its_head_and_its_tail(self):
        described = describe_error(raised(ValueError("start " + "x" * 100_000 + " end")))

        assert described.traceback.startswith("Traceback (most recent call last)")
        assert described.traceback.endswith(" end\n")
        assert "… left out …" in described.traceback
        assert described.message.startswith("start ")
        assert described.message.endswith(" end")

    def test_a_traceback_that_cannot_be_formatted_leaves_its_frames(self, monkeypatch):
        def fail(*_):
            raise MemoryError

        monkeypatch.setattr(traceback, "format_exception", fail)
        told = describe_error(raised(ValueError("no row"))).traceback

        assert "raise error" in told
        assert told.endswith("ValueError\n")


class TestTypedErrors:
    def test_the_fields_of_a_dataclass_are_kept_as_json(self):
        at = datetime(2026, 1, 2, tzinfo=UTC)
        error = NoSuchAccount(UUID(int=1), at, Decimal("1.10"), [1, {"a": None}])

        assert describe_error(raised(error)).fields == {
            "account_id": "00000000-0000-0000-0000-000000000001",
            "at": "2026-01-02T00:00:00Z",
            "amount": "1.10",
            "tried": [1, {"a": None}],
        }

    def test_a_field_that_is_missing_does_not_lose_the_others(self):
        assert describe_error(raised(HalfMade(3))).fields == {"code": 3, "detail": "…"}


class TestText:
    @given(text=st.text(st.characters()), limit=st.integers(0, 200))
    def test_it_is_storable_and_no_longer_than_its_limit(self, text, limit):
        assert_storable(storable_text(text, limit), limit)

    @given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
    def test_text_within_the_limit_is_left_alone(self, text):
        assert storable_text(text) == text

    def test_what_is_no_text_is_printed(self):
        assert storable_text(ValueError("no")) == "no"
        assert storable_text(None) == "None"

    def test_a_value_that_cannot_be_shown_is_shown_by_its_type(self):
        assert short_repr(Mute()) == f"a {__name__}.Mute"
        assert short_repr("é") == "'\\xe9'"

    def test_a_builtin_type_has_no_module(self):
        assert type_name(ValueError) == "ValueError"
        assert type_name(Decimal) == "decimal.Decimal"


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=20,
)
stray = st.recursive(
    st.floats() | st.integers() | st.text(st.characters()) | st.binary() | st.dates(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner)
        | st.dictionaries(st.integers() | st.binary() | st.none(), inner)
    ),
    max_leaves=20,
)


class TestSanitising:
    @given(value=plain)
    def test_plain_data_is_left_as_it_is(self, value):
        assert sanitise_json(value) == value

    @given(value=stray)
    def test_anything_becomes_plain_data(self, value):
        text = json.dumps(sanitise_json(value), allow_nan=False, ensure_ascii=False)

        assert "\\u0000" not in text
        text.encode()

    def test_what_json_has_no_form_for_becomes_text(self):
        value = {1: float("nan"), "n": 2**70, "s": {"a"}, "m": Mute(), "t": (1, int)}

        assert sanitise_json(value) == {
            "1": "nan",
            "n": str(2**70),
            "s": ["a"],
            "m": f"<{__name__}.Mute that cannot be printed>",
            "t": [1, "<class 'int'>"],
        }

    def test_a_value_that_contains_itself_ends(self):
        cycle: dict[str, object] = {}
        cycle["self"] = cycle

        assert "…" in json.dumps(sanitise_json(cycle), ensure_ascii=False)

    def test_a_value_that_unfolds_to_a_huge_one_is_cut(self):
        value: list[object] = ["x"]
        for _ in range(14):
            value = [value, value]

        assert len(json.dumps(sanitise_json([[value] * 99] * 99), ensure_ascii=False)) < 50_000

    def test_a_long_text_is_cut_to_the_limit(self):
        assert len(str(sanitise_json({"a": "x" * 10_000, "b": "y" * 10_000}, limit=500))) < 600
