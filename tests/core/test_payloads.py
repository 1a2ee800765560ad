import enum
import json
import math
import subprocess
import sys
import timeit
from collections import OrderedDict, defaultdict
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jobqueue.core.errors import PayloadError, PayloadTooLarge
from django_jobqueue.core.payloads import dump_arguments, dump_payload, load_payload
from tests.core.hostile import CYCLE, anything, json_values, nested


def call(value):
    return {"args": [value], "kwargs": {}}


def there_and_back(value):
    [back], _ = load_payload(dump_payload(call(value)))
    return back


def with_lists(value):
    """What a value reads back as: tuples are lists there. Spelled with types: 1 is not True."""
    if isinstance(value, list | tuple):
        return ["list", *map(with_lists, value)]
    if isinstance(value, dict):
        return {key: with_lists(member) for key, member in value.items()}
    return (type(value).__name__, value)


@given(value=anything)
def test_a_value_reads_back_exactly_or_is_refused(value):
    try:
        back = there_and_back(value)
    except PayloadError:
        return
    assert with_lists(back) == with_lists(value)


@given(value=json_values)
def test_json_without_the_characters_and_numbers_it_lacks_is_never_refused(value):
    text = json.dumps(value)
    if any(lacking in text for lacking in ("\\u0000", "\\ud", "NaN", "Infinity")):
        return
    assert with_lists(there_and_back(value)) == with_lists(value)


@given(args=st.lists(anything, max_size=3), kwargs=st.dictionaries(st.text(), anything, max_size=3))
def test_the_arguments_of_a_call_are_dumped_or_refused_like_any_other_value(args, kwargs):
    def outcome(dump):
        try:
            return dump({"args": args, "kwargs": kwargs})
        except PayloadError as error:
            return type(error), str(error)

    assert outcome(dump_arguments) == outcome(dump_payload)


@pytest.mark.parametrize("named", [{7: 1}, {"a\x00": 1}, {"a": {1}}, {"a": 1, "b": math.nan}])
def test_arguments_without_structure_are_looked_at_too(named):
    with pytest.raises(PayloadError):
        dump_arguments({"args": [], "kwargs": named})


def test_arguments_without_structure_may_be_too_large_as_well():
    with pytest.raises(PayloadTooLarge):
        dump_arguments({"args": ["x" * 30], "kwargs": {"y": "z"}}, max_bytes=60)
    with pytest.raises(PayloadTooLarge):
        dump_arguments({"args": [["x" * 30]], "kwargs": {"y": "z"}}, max_bytes=60)


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_stays_one_in_a_database_that_keeps_decimals(number):
    def as_postgresql_prints_it(literal):
        return json.loads(format(Decimal(literal), "f"))

    text = dump_payload(number)

    assert with_lists(json.loads(text, parse_float=as_postgresql_prints_it)) == with_lists(number)
    assert with_lists(json.loads(text)) == with_lists(number)


@pytest.mark.parametrize("number", [10**100, -(10**100), 2**64, -(2**63) - 1, 10**4300 - 1, 0])
def test_integers_are_exact(number):
    assert there_and_back(number) == number


@pytest.mark.parametrize("number", [1e16, 1e22, -1e16, 1e308, sys.float_info.max, 5e-324])
def test_large_and_tiny_floats_come_back_as_floats(number):
    back = there_and_back(number)

    assert back == number
    assert type(back) is float


@pytest.mark.parametrize("number", [1e16, -1e16])
def test_a_large_float_is_written_without_an_exponent(number):
    """PostgreSQL would give it back as an integer."""
    assert dump_payload([number]) == f"[{number:.1f}]"


def test_keys_keep_their_order():
    assert dump_payload({"b": 1, "a": {"z": 1, "y": 2}}) == '{"b":1,"a":{"z":1,"y":2}}'


def test_text_is_written_as_utf8_not_as_escapes():
    assert dump_payload("ümläut 🎉") == '"ümläut 🎉"'


def test_tuples_become_lists():
    assert there_and_back((1, (2, 3))) == [1, [2, 3]]


class Text(str):
    __slots__ = ()


class Number(float):
    __slots__ = ()


class Level(enum.IntEnum):
    HIGH = 3


class Colour(str, enum.Enum):  # noqa: UP042 - a StrEnum prints as its value by itself
    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Text("a"), '"a"'),
        (Number(1.5), "1.5"),
        (Level.HIGH, "3"),
        (Colour.RED, '"red"'),
        (OrderedDict(a=1), '{"a":1}'),
        (defaultdict(list, a=[Text("b")]), '{"a":["b"]}'),
        ({Text("a"): 1}, '{"a":1}'),
    ],
)
def test_subclasses_of_the_types_of_json_are_stored_as_those(value, text):
    assert dump_payload(value) == text


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        ("a\x00b", "NUL"),
        (Text("a\x00b"), "NUL"),
        (OrderedDict(a={1}), "type set"),
        ({"a\x00b": 1}, "NUL"),
        ("\ud800", r"lone surrogate '\\ud800'"),
        ({"\udfff": 1}, "lone surrogate"),
        ({1: "a"}, "key 1, of type int"),
        ({True: "a"}, "key True, of type bool"),
        ({None: "a"}, "key None, of type NoneType"),
        ({(1, 2): "a"}, r"key \(1, 2\), of type tuple"),
        ({1}, "type set"),
        (frozenset(), "type frozenset"),
        (b"a", "type bytes"),
        (bytearray(), "type bytearray"),
        (date(2026, 1, 1), "type datetime.date"),
        (Decimal(1), "type decimal.Decimal"),
        (object(), "type object"),
        (10**4300, "4,300 digits"),
        (-(10**5000), "4,300 digits"),
        (CYCLE, "contains itself"),
        (nested(100_000), "64 deep"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_database_could_not_keep_is_refused_by_its_path(value, why):
    payload = {"args": [{"items": [0, value]}], "kwargs": {}}

    with pytest.raises(PayloadError, match=why) as caught:
        dump_payload(payload)

    assert caught.value.path.startswith("args[0].items[1]")


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({"args": [math.nan], "kwargs": {}}, "args[0]"),
        ({"args": [], "kwargs": {"user": math.nan}}, "kwargs['user']"),
        ({"args": [], "kwargs": {"user": {"name": [math.nan]}}}, "kwargs['user'].name[0]"),
        ({"args": [], "kwargs": {"user": {"first name": {1}}}}, "kwargs['user']['first name']"),
        (math.nan, "payload"),
    ],
)
def test_a_path_reads_like_the_expression_that_leads_there(payload, path):
    with pytest.raises(PayloadError) as caught:
        dump_payload(payload)
    assert caught.value.path == path


def test_a_depth_of_64_is_allowed_and_one_more_is_not():
    assert dump_payload(nested(64)) == "[" * 64 + "]" * 64
    with pytest.raises(PayloadError, match="more than 64 deep"):
        dump_payload(nested(65))


def test_an_object_may_be_as_deep_as_a_list():
    def objects(depth):
        return {"a": objects(depth - 1)} if depth > 1 else {}

    assert dump_payload(objects(64)).count("{") == 64
    with pytest.raises(PayloadError, match="more than 64 deep"):
        dump_payload(objects(65))


class TestSize:
    def test_a_single_value_may_fill_it(self):
        assert dump_payload(1, max_bytes=1) == "1"

    def test_a_payload_of_the_limit_is_stored_and_one_byte_more_is_refused(self):
        assert len(dump_payload("x" * 98, max_bytes=100)) == 100
        with pytest.raises(PayloadTooLarge) as caught:
            dump_payload("x" * 99, max_bytes=100)
        assert (caught.value.size, caught.value.limit) == (101, 100)

    def test_it_counts_bytes_not_characters(self):
        with pytest.raises(PayloadTooLarge):
            dump_payload("ü" * 60, max_bytes=100)

    def test_the_limit_is_256_kib_unless_said_otherwise(self):
        dump_payload("x" * 262_142)
        with pytest.raises(PayloadTooLarge):
            dump_payload("x" * 262_143)

    def test_a_small_value_that_unfolds_to_a_huge_one_is_refused_at_once(self):
        value: list[object] = []
        for _ in range(50):
            value = [value, value]
        with pytest.raises(PayloadTooLarge):
            dump_payload(value)


def test_a_process_with_a_lower_limit_of_digits_refuses_what_it_cannot_write():
    program = (
        "from django_jobqueue.core.payloads import dump_payload\n"
        "from django_jobqueue.core.errors import PayloadError\n"
        "try: dump_payload(10 ** 1000)\n"
        "except PayloadError as error: print(error)\n"
    )
    command = [sys.executable, "-X", "int_max_str_digits=640", "-c", program]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    assert told.startswith("payload cannot be written")


def test_an_ordinary_payload_is_written_in_microseconds():
    payload = {"args": [1], "kwargs": {"user_id": 1}}
    seconds = min(timeit.repeat(lambda: dump_payload(payload), number=1000, repeat=5)) / 1000

    assert seconds < 20e-6  # 2 µs on the machine it was written on


class TestLoading:
    def test_it_returns_positional_and_keyword_arguments(self):
        assert load_payload('{"kwargs": {"b": 2}, "args": [1]}') == ([1], {"b": 2})

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "null",
            "[]",
            "{}",
            '{"args": []}',
            '{"args": {}, "kwargs": {}}',
            '{"args": [], "kwargs": []}',
            '{"args": [], "kwargs": {}, "more": 1}',
            '{"args": [NaN], "kwargs": {}}',
            '{"args": ["\\ud800"], "kwargs": {}}',
            '{"args": ["\ud800"], "kwargs": {}}',
            '{"args": [' + "[" * 100_000 + "]" * 100_000 + '], "kwargs": {}}',
            '{"args": [' + "1" * 5000 + '], "kwargs": {}}',
            b'{"args": ["\xff"], "kwargs": {}}',
        ],
        ids=lambda text: ascii(text[:40]),
    )
    def test_a_row_edited_by_hand_is_a_payload_error(self, text):
        with pytest.raises(PayloadError, match="payload cannot be read"):
            load_payload(text)
