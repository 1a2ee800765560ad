import enum
import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, NewType, NotRequired, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jobqueue.core.converters import Converter, UnsupportedAnnotation
from django_jobqueue.core.payloads import dump_payload, load_payload

UserId = NewType("UserId", int)


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclass
class Point:
    x: int
    y: float = 0.0


@dataclass
class Point3(Point):
    z: int = 0


@dataclass
class Order:
    id: UUID
    at: datetime
    total: Decimal
    tags: set[str] = field(default_factory=set)
    where: Point | None = None


class Node(msgspec.Struct):
    name: str
    children: list["Node"] = []


class Movie(TypedDict):
    title: str
    released: NotRequired[date]


class Pair(NamedTuple):
    key: str
    value: int


class Plain:
    """What JSON cannot hold."""


class Safe(str):
    __slots__ = ()


def through_json(annotation, value):
    converter = Converter(annotation)
    payload = {"args": [converter.dump(value)], "kwargs": {}}
    [stored], _ = load_payload(dump_payload(payload))
    return converter.load(stored)


BERLIN = ZoneInfo("Europe/Berlin")
ORDER = Order(UUID(int=1), datetime(2026, 1, 2, tzinfo=UTC), Decimal("1.10"), {"b", "a"}, Point(1))


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, 10**100),
        (UserId, 5),
        (float, 1e300),
        (str, "a"),
        (bool, True),
        (None, None),
        (Any, [1, {"a": None}]),
        (object, "a"),
        (list, [1, "a"]),
        (dict, {"a": [1]}),
        (int | None, None),
        (int | str, "a"),
        (list[int], [1, 2]),
        (tuple[int, str], (1, "a")),
        (tuple[int, ...], (1, 2, 3)),
        (dict[str, list[int]], {"a": [1]}),
        (dict[str, Any], {"a": {"b": 1}}),
        (list[object], [1, "a", None]),
        (dict[int, str], {1: "a"}),
        (dict[UUID, int], {UUID(int=1): 1}),
        (dict[date, Colour], {date(2026, 1, 2): Colour.RED}),
        (set[int], {3, 1}),
        (frozenset[str], frozenset("ab")),
        (bytes, b"\x00\xff"),
        (datetime, datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)),
        (datetime, datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
        (datetime, datetime(2026, 1, 2)),  # noqa: DTZ001 - a naive time stays naive
        (date, date(2026, 1, 2)),
        (time, time(3, 4, 5)),
        (timedelta, timedelta(days=-3, microseconds=1)),
        (UUID, UUID(int=5)),
        (Decimal, Decimal("1.10")),
        (Colour, Colour.RED),
        (Level, Level.HIGH),
        (Literal["a", 1], 1),
        (Point, Point(1, 2.5)),
        (Point | None, Point(1)),
        (list[Point], [Point(1), Point(2)]),
        (Order, ORDER),
        (Node, Node("a", [Node("b", [Node("c")])])),
        (Movie, {"title": "a", "released": date(2026, 1, 2)}),
        (Movie, {"title": "a"}),
        (Pair, Pair("a", 1)),
        (Annotated[int, msgspec.Meta(ge=0)], 3),
    ],
    ids=repr,
)
def test_a_value_of_its_annotation_comes_back_equal_and_of_its_type(annotation, value):
    back = through_json(annotation, value)

    assert back == value
    assert type(back) is type(value)


@given(
    order=st.builds(
        Order,
        id=st.uuids(),
        at=st.datetimes(timezones=st.just(UTC)),
        total=st.decimals(allow_nan=False, allow_infinity=False, places=4),
        tags=st.sets(st.text("abc")),
        where=st.none() | st.builds(Point, x=st.integers(), y=st.floats(-1e6, 1e6)),
    )
)
def test_any_dataclass_of_such_fields_comes_back_equal(order):
    assert through_json(Order, order) == order


@given(at=st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(BERLIN)))  # noqa: DTZ001
def test_a_zoned_time_comes_back_as_the_same_instant(at):
    assert through_json(datetime, at).timestamp() == at.timestamp()


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, "5"),
        (int, True),
        (int, 1.5),
        (int, None),
        (bool, 1),
        (str, 5),
        (str, UUID(int=1)),
        (str, datetime(2026, 1, 2, tzinfo=UTC)),
        (str, Colour.RED),
        (float, "1.5"),
        (list[int], [1, "2"]),
        (list[int], "12"),
        (dict[int, str], {"a": "b"}),
        (datetime, "yesterday"),
        (date, datetime(2026, 1, 2, tzinfo=UTC)),
        (Colour, "green"),
        (Point, {"y": 1}),
        (Point, Point("1")),
        (Point, Point3(1)),
        (list[Point], [Point(None)]),
        (Movie, {}),
        (Annotated[int, msgspec.Meta(ge=0)], -1),
    ],
    ids=repr,
)
def test_a_value_of_another_type_is_refused(annotation, value):
    with pytest.raises((msgspec.ValidationError, TypeError)):
        Converter(annotation).dump(value)


@pytest.mark.parametrize(
    ("annotation", "value", "stored"),
    [
        (datetime, "2026-01-02T00:00:00+00:00", "2026-01-02T00:00:00Z"),
        (Point, {"y": 2, "x": 1}, {"x": 1, "y": 2.0}),
        (Decimal, "1.10", "1.10"),
        (float, 1, 1.0),
        (str, Safe("a"), "a"),
        (list[str], [Safe("a")], ["a"]),
        (set[str], {"b", Safe("a")}, ["a", "b"]),
        (dict[int, str], {"1": "a"}, {"1": "a"}),
    ],
    ids=repr,
)
def test_the_json_form_of_a_type_is_taken_for_it_and_stored_in_one_form(annotation, value, stored):
    assert Converter(annotation).dump(value) == stored


def test_what_any_holds_is_left_to_the_payload_to_refuse():
    assert Converter(Any).dump({1, 2}) == {1, 2}
    assert Converter(dict).dump({1: "a"}) == {1: "a"}
    assert Converter(list).dump([math.inf]) == [math.inf]
    assert Converter(list[object]).dump([{1}, Point(1)]) == [{1}, Point(1)]


@pytest.mark.parametrize("annotation", [Any, object])
def test_a_value_that_may_be_anything_is_left_as_it_is(annotation):
    point = Point(1)

    assert Converter(annotation).dump(point) is point
    assert Converter(annotation).load({"x": 1}) == {"x": 1}


class Moment(datetime):
    """As a library hands out that freezes the clock."""


class Day(date):
    """The same for dates."""


@pytest.mark.parametrize(
    ("annotation", "value", "stored"),
    [
        (datetime, Moment(2031, 3, 1, 12, 0, 0, 5, tzinfo=UTC), "2031-03-01T12:00:00.000005Z"),
        (date, Day(2031, 3, 1), "2031-03-01"),
        (datetime | None, Moment(2031, 3, 1), "2031-03-01T00:00:00"),
        (list[date], [Day(2031, 3, 1), date(2031, 3, 2)], ["2031-03-01", "2031-03-02"]),
        (list[int | date], [7, Day(2031, 3, 1)], [7, "2031-03-01"]),
        (dict[str, tuple[date]], {"on": (Day(2031, 3, 1),)}, {"on": ("2031-03-01",)}),
        (dict[int, int | date], {"7": 8, "9": Day(2031, 3, 1)}, {"7": 8, "9": "2031-03-01"}),
    ],
)
def test_a_time_of_another_class_is_the_time_that_it_tells(annotation, value, stored):
    assert Converter(annotation).dump(value) == stored


def test_a_field_may_hold_a_time_of_another_class():
    order = Order(UUID(int=1), Moment(2031, 3, 1, tzinfo=UTC), Decimal(1))

    assert Converter(Order).dump(order)["at"] == "2031-03-01T00:00:00Z"


def test_no_time_is_taken_for_what_is_none():
    with pytest.raises(msgspec.ValidationError, match="Expected `int`"):
        Converter(list[int]).dump([Moment(2031, 3, 1)])


def test_a_field_that_would_come_back_as_another_value_is_refused():
    with pytest.raises(TypeError, match="does not read back"):
        Converter(Order).dump(Order(UUID(int=1), datetime(2026, 1, 2, tzinfo=UTC), 0.5))


@pytest.mark.parametrize(
    "annotation",
    [
        Plain,
        Plain | None,
        list[Plain],
        dict[str, list[Plain]],
        complex,
        memoryview,
        msgspec.Raw,
        type,
        datetime | str,
        Point | Node,
    ],
    ids=repr,
)
def test_a_type_that_json_cannot_hold_is_refused_before_any_value_comes(annotation):
    with pytest.raises(UnsupportedAnnotation):
        Converter(annotation)


def test_a_field_that_json_cannot_hold_is_refused_before_any_value_comes():
    @dataclass
    class Holder:
        inner: list[Plain]

    with pytest.raises(UnsupportedAnnotation, match=r"Plain.*its id"):
        Converter(Holder)


def test_loading_refuses_what_was_stored_for_another_type():
    with pytest.raises(msgspec.ValidationError):
        Converter(int).load("5")
    with pytest.raises(msgspec.ValidationError):
        Converter(Point).load({"x": "1"})
