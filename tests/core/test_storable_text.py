import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jobqueue.core.error_text import sanitise_json, short_repr, storable_text, type_name
from tests.core.hostile import Mute, assert_storable, nested


class TestText:
    @given(text=st.text(st.characters()), limit=st.integers(0, 200))
    def test_it_is_storable_and_no_longer_than_its_limit(self, text, limit):
        assert_storable(storable_text(text, limit), limit)

    @given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
    def test_text_within_the_limit_is_left_alone(self, text):
        assert storable_text(text) == text

    def test_text_of_just_its_limit_is_left_alone(self):
        assert storable_text("x" * 50, 50) == "x" * 50

    @pytest.mark.parametrize("limit", range(60))
    def test_what_is_left_out_never_splits_a_character(self, limit):
        cut = storable_text("é" * 100, limit)

        assert len(cut.encode()) <= limit
        assert set(cut) <= set("é\n… left out")
        assert not cut.startswith("t")  # of: text that could not be stored

    def test_head_and_tail_are_kept_and_equally_long(self):
        assert storable_text("a" * 50 + "b" * 50, 20) == "a\n… left out …\nb"
        assert storable_text("a" * 50 + "b" * 50, 30) == "aaaaaa\n… left out …\nbbbbbb"

    def test_what_is_no_text_is_printed(self):
        assert storable_text(ValueError("no")) == "no"
        assert storable_text(None) == "None"

    def test_a_value_that_cannot_be_shown_is_shown_by_its_type(self):
        assert short_repr(Mute()) == "a tests.core.hostile.Mute"

    def test_a_value_is_shown_in_one_line_of_limited_length(self):
        assert short_repr("é\n") == "'\\xe9\\n'"
        assert short_repr("xxx", limit=5) == "'xxx'"
        assert short_repr("x" * 100, limit=5) == "'xxxx…"

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
            "m": "<tests.core.hostile.Mute that cannot be printed>",
            "t": [1, "<class 'int'>"],
        }

    def test_a_value_that_contains_itself_ends(self):
        cycle: dict[str, object] = {}
        cycle["self"] = cycle

        assert "…" in json.dumps(sanitise_json(cycle), ensure_ascii=False)

    def test_a_list_or_object_ends_where_its_room_does(self):
        assert sanitise_json([0] * 50, limit=44) == [0] * 10 + ["…"]
        assert sanitise_json({str(key): 0 for key in range(50)}, limit=54) == {
            **{str(key): 0 for key in range(10)},
            "…": "…",
        }

    def test_a_value_that_just_finds_room_is_kept(self):
        assert sanitise_json(1, limit=4) == 1
        assert sanitise_json(1, limit=3) == "…"

    def test_true_stays_true_and_an_integer_of_65_bits_becomes_text(self):
        assert sanitise_json(True) is True
        assert sanitise_json(2**63 - 1) == 2**63 - 1
        assert sanitise_json(2**63) == str(2**63)

    def test_a_deep_value_is_cut_where_no_reader_stumbles(self):
        text = json.dumps(sanitise_json(nested(200)), ensure_ascii=False)

        assert "…" in text
        assert text.count("[") == 17

    def test_a_deep_object_is_cut_as_deep_as_a_list(self):
        value: object = 0
        for _ in range(200):
            value = {"a": value}

        assert json.dumps(sanitise_json(value)).count("{") == 17

    def test_a_value_that_unfolds_to_a_huge_one_is_cut(self):
        value: list[object] = ["x"]
        for _ in range(14):
            value = [value, value]

        assert len(json.dumps(sanitise_json([[value] * 99] * 99), ensure_ascii=False)) < 50_000

    def test_a_long_text_is_cut_to_the_limit(self):
        assert len(str(sanitise_json({"a": "x" * 10_000, "b": "y" * 10_000}, limit=500))) < 600

    def test_members_that_find_no_room_are_left_out_and_said_to_be(self):
        cut = sanitise_json({str(number): "x" * 10 for number in range(50)}, limit=200)

        assert isinstance(cut, dict)
        assert 5 < len(cut) < 20
        assert list(cut.items())[-1] == ("…", "…")
