"""Strict JSON: what both databases store alike and give back equal, or a PayloadError.

PostgreSQL refuses NUL characters, lone surrogates and NaN where SQLite takes them, and msgspec by
itself turns NaN into null and takes sets and bytes; so every value is walked before it is encoded.
Tuples become lists, and subclasses of the JSON types their base type; integers stay exact and
floats stay floats.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, ClassVar

import msgspec

from .error_text import short_repr, type_name
from .errors import PayloadError, PayloadTooLarge

MAX_PAYLOAD_BYTES = 262_144
MAX_RESULT_BYTES = 65_536
MAX_DEPTH = 64
UNSERIALISABLE = "_unserialisable"

_MAX_DIGITS = 4_300  # what Python converts between text and int unless told otherwise
_INTEGER_END = 10**_MAX_DIGITS
_STEPS_SHOWN = 12
_EXPONENT_FROM = 1e16  # from here on floats are written with an exponent
_REFUSED_EVEN_IN_RESULTS = (set, frozenset, bytes, bytearray, memoryview)

#: Held in a tuple, where a library that freezes the clock does not put its own in their place.
_TIMES = (datetime, date)

_encode = msgspec.json.Encoder().encode

#: The keys and indexes that lead to a value, innermost first.
_Path = tuple["_Path | None", str | int]


def dump_payload(
    value: object, *, max_bytes: int = MAX_PAYLOAD_BYTES, max_depth: int = MAX_DEPTH
) -> str:
    """Return the JSON text of `value`; keys keep their order.

    Raises PayloadError naming the path of what cannot be stored, as in `kwargs['user'].tags[3]`,
    and PayloadTooLarge past `max_bytes` of UTF-8.
    """
    walk = _Walk(max_bytes=max_bytes, max_depth=max_depth)
    walk.visit(value, None, 0)
    return _text(value, walk, max_bytes=max_bytes)


def load_payload(text: str | bytes) -> tuple[list[Any], dict[str, Any]]:
    """Return the positional and keyword arguments of a stored payload.

    Raises PayloadError for text that is no JSON, or not of the shape {"args": […], "kwargs": {…}}.
    """
    try:
        payload = _decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise PayloadError("payload", f"cannot be read: {error}") from error
    return payload.args, payload.kwargs


def dump_result(value: object, *, max_bytes: int = MAX_RESULT_BYTES) -> tuple[str, bool]:
    """Return the JSON text of a handler's result, and whether it could be stored as it is.

    Dataclasses, Structs, dates, UUIDs, Decimals and enums are stored in their JSON form. What has
    none, or is too large, is replaced by the marker {"_unserialisable": "<its type>"}: work that
    was done is not repeated for a bad return value. Never raises.
    """
    try:
        plain = value
        walk = _Walk(max_bytes=max_bytes, max_depth=MAX_DEPTH, takes_typed=True)
        walk.visit(plain, None, 0)
        if walk.met_typed:
            plain = msgspec.to_builtins(value, enc_hook=exact_scalar)
            walk = _Walk(max_bytes=max_bytes, max_depth=MAX_DEPTH)
            walk.visit(plain, None, 0)
        return _text(plain, walk, max_bytes=max_bytes), True
    except Exception:  # a result may be anything, and so may its conversion raise anything
        return _encode({UNSERIALISABLE: type_name(type(value))}).decode(), False


class _Payload(msgspec.Struct, forbid_unknown_fields=True):
    args: list[Any]
    kwargs: dict[str, Any]


_decode = msgspec.json.Decoder(_Payload).decode


def _text(value: object, walk: "_Walk", *, max_bytes: int) -> str:
    try:
        encoded = _encode(_exact(value) if walk.needs_rebuild else value)
    except ValueError as error:  # the process has lowered sys.set_int_max_str_digits
        raise PayloadError("payload", f"cannot be written: {error}") from error
    if len(encoded) > max_bytes:
        raise PayloadTooLarge(len(encoded), max_bytes)
    return encoded.decode()


class _Walk:
    """One look at every value of a payload, in the order they are written.

    Bounded by `max_depth` and, since every value takes a byte or more, by `max_bytes`: neither a
    cycle nor a small value that refers to itself 2 ** 60 times keeps it busy.
    """

    __slots__ = ("left", "max_bytes", "max_depth", "met_typed", "needs_rebuild", "takes_typed")

    _visitors: ClassVar[dict[type, Callable[["_Walk", Any, _Path | None, int], None]]]

    def __init__(self, *, max_bytes: int, max_depth: int, takes_typed: bool = False) -> None:
        self.left = self.max_bytes = max_bytes
        self.max_depth = max_depth
        self.takes_typed = takes_typed
        self.met_typed = False
        self.needs_rebuild = False

    def visit(self, value: object, path: _Path | None, depth: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise PayloadTooLarge(self.max_bytes + 1, self.max_bytes)
        visitor = self._visitors.get(type(value))
        if visitor is None:
            self._visit_other(value, path, depth)
        else:
            visitor(self, value, path, depth)

    def _visit_constant(self, value: bool | None, path: _Path | None, depth: int) -> None:
        pass

    def _visit_text(self, value: str, path: _Path | None, depth: int) -> None:
        if (why := why_unstorable(value)) is not None:
            raise PayloadError(_spelled(path), why)

    def _visit_integer(self, value: int, path: _Path | None, depth: int) -> None:
        if not -_INTEGER_END < value < _INTEGER_END:
            raise PayloadError(_spelled(path), f"is an integer of over {_MAX_DIGITS:,} digits")

    def _visit_float(self, value: float, path: _Path | None, depth: int) -> None:
        if value - value != 0:  # NaN and the infinities, and nothing else
            raise PayloadError(_spelled(path), f"is {value}, which JSON has no form for")
        if value >= _EXPONENT_FROM or value <= -_EXPONENT_FROM:
            self.needs_rebuild = True

    def _visit_items(self, value: list[object], path: _Path | None, depth: int) -> None:
        self._check_depth(path, depth)
        for index, item in enumerate(value):
            self.visit(item, (path, index), depth + 1)

    def _visit_members(self, value: dict[str, object], path: _Path | None, depth: int) -> None:
        self._check_depth(path, depth)
        for key, member in value.items():
            if not isinstance(key, str):
                raise PayloadError(
                    _spelled(path),
                    f"has the key {short_repr(key)}, of type {type_name(type(key))}; "
                    "the keys of JSON objects are text",
                )
            if (why := why_unstorable(key)) is not None:
                raise PayloadError(_spelled(path), f"has a key that {why}: {short_repr(key)}")
            self.visit(member, (path, key), depth + 1)

    def _visit_other(self, value: object, path: _Path | None, depth: int) -> None:
        for base in (str, int, float, list, tuple, dict):
            if isinstance(value, base):
                self.needs_rebuild = True
                self._visitors[base](self, value, path, depth)
                return
        if self.takes_typed and not isinstance(value, _REFUSED_EVEN_IN_RESULTS):
            self.met_typed = True
            return
        raise PayloadError(
            _spelled(path),
            f"is of type {type_name(type(value))}, which JSON has no form for. Annotate the "
            "handler's parameter with its type, or pass plain data such as an id, text or a list.",
        )

    def _check_depth(self, path: _Path | None, depth: int) -> None:
        if depth >= self.max_depth:
            raise PayloadError(
                _spelled(path),
                f"is nested more than {self.max_depth} deep, or contains itself",
            )


_Walk._visitors = {
    type(None): _Walk._visit_constant,
    bool: _Walk._visit_constant,
    str: _Walk._visit_text,
    int: _Walk._visit_integer,
    float: _Walk._visit_float,
    list: _Walk._visit_items,
    tuple: _Walk._visit_items,
    dict: _Walk._visit_members,
}


def why_unstorable(text: str) -> str | None:
    """Return why no database can store `text`, or None: NUL characters and lone surrogates."""
    if "\x00" in text:
        return "contains a NUL character, which PostgreSQL cannot store"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            return f"contains the lone surrogate {text[error.start]!a}, which is no character"
    return None


def exact_scalar(value: object) -> object:
    """Return a subclass of text, number or time as its base type, for msgspec, which takes only
    those.
    """
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, _TIMES):
        return exact_time(value)
    raise TypeError(f"{type_name(type(value))} has no form in JSON")


def exact_time(value: date) -> date:
    """Return a subclass of datetime or date, such as a clock that is frozen hands out, as that."""
    day_and_time, day = _TIMES
    base = day_and_time if isinstance(value, day_and_time) else day
    return base.fromisoformat(value.isoformat())


def _exact(value: Any) -> object:
    """The walked value in the very types of JSON, with large floats spelled out.

    PostgreSQL keeps JSON numbers as decimals and would give 1e16 back as 10000000000000000, an int.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return {str.__str__(key): _exact(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    if isinstance(value, float) and abs(value) >= _EXPONENT_FROM:
        return msgspec.Raw(b"%d.0" % int(value))
    return exact_scalar(value)


def _spelled(path: _Path | None) -> str:
    """As in `kwargs['user'].tags[3]`, and no more than the first steps of a deep one."""
    steps: list[str | int] = []
    while path is not None:
        path, step = path
        steps.append(step)
    text = ""
    for depth, step in enumerate(reversed(steps)):
        if depth == _STEPS_SHOWN:
            return f"{text}…"
        if isinstance(step, str) and depth != 1 and step.isidentifier():
            text += f".{step}" if depth else step
        else:
            text += f"[{step!a}]"
    return text or "payload"
