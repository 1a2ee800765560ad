import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given

from django_jobqueue.core.payloads import dump_result
from tests.core.hostile import CYCLE, Mute, anything, nested


class Safe(str):
    __slots__ = ()


@dataclass
class Receipt:
    total: Decimal
    at: datetime
    paths: set[str]


@dataclass
class Reading:
    value: object


class TestResults:
    def test_a_result_may_be_as_deep_as_a_payload(self):
        assert dump_result(nested(64))[1]
        assert dump_result(Reading(nested(63)))[1]
        assert not dump_result(nested(65))[1]

    def test_64_kib_can_be_stored_and_not_a_byte_more(self):
        assert dump_result("x" * 65_534)[1]
        assert not dump_result("x" * 65_535)[1]

    @pytest.mark.parametrize("value", [None, 1, "a", [1, {"b": None}], 10**100, 1e300])
    def test_plain_data_is_stored_as_it_is(self, value):
        text, is_stored = dump_result(value)

        assert is_stored
        assert json.loads(text) == value

    def test_typed_values_are_stored_in_their_json_form(self):
        receipt = Receipt(Decimal("1.10"), datetime(2026, 1, 2, tzinfo=UTC), {"a"})

        text, is_stored = dump_result({"receipt": receipt, "id": UUID(int=1), "name": Safe("b")})

        assert is_stored
        assert json.loads(text) == {
            "receipt": {"total": "1.10", "at": "2026-01-02T00:00:00Z", "paths": ["a"]},
            "id": "00000000-0000-0000-0000-000000000001",
            "name": "b",
        }

    @pytest.mark.parametrize(
        ("value", "name"),
        [
            (object(), "object"),
            (Mute(), "tests.core.hostile.Mute"),
            ({1, 2}, "set"),
            (b"a", "bytes"),
            (math.nan, "float"),
            ([math.nan], "list"),
            ({1: "a"}, "dict"),
            ("\x00", "str"),
            ("x" * 70_000, "str"),
            (CYCLE, "dict"),
            (nested(100_000), "list"),
            (
                Receipt(Decimal(1), datetime(2026, 1, 2, tzinfo=UTC), {"\ud800"}),
                f"{__name__}.Receipt",
            ),
            (Reading(math.nan), f"{__name__}.Reading"),
            (Reading(nested(64)), f"{__name__}.Reading"),
            (ValueError(1), "ValueError"),
            (int, "type"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_what_cannot_be_stored_leaves_a_marker_with_its_type(self, value, name):
        text, is_stored = dump_result(value)

        assert (json.loads(text), is_stored) == ({"_unserialisable": name}, False)

    @given(value=anything)
    def test_any_result_can_be_written(self, value):
        text, is_stored = dump_result(value)

        assert json.loads(text) == {"_unserialisable": type(value).__name__} or is_stored
