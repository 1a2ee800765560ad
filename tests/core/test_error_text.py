import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jobqueue.core.error_text import MESSAGE_LIMIT, TEXT_LIMIT, describe_error
from tests.core.hostile import Mute, assert_storable


def raised(error):
    try:
        raise error
    except BaseException as caught:
        return caught


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
        assert describe_error(Mute()).type == "tests.core.hostile.Mute"

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
        assert describe_error(Mute()).message == "<tests.core.hostile.Mute that cannot be printed>"

    def test_an_error_that_lies_about_its_class_is_named_truly(self):
        assert describe_error(Liar()).type == f"{__name__}.Liar"

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


def test_a_traceback_is_kept_as_python_prints_it():
    error = ValueError("bad")

    assert describe_error(error).traceback == "ValueError: bad\n"
    try:
        raise error
    except ValueError:
        assert describe_error(error).traceback == traceback.format_exc()


def test_the_name_of_an_error_fits_into_its_column():
    named = type("E" * 300, (Exception,), {})

    assert 200 < len(describe_error(named()).type) <= 255
