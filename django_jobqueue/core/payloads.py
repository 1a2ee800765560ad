"""Strict JSON: what both databases store alike and give back equal, or a PayloadError.

PostgreSQL refuses NUL characters, lone surrogates and NaN where SQLite takes them, and msgspec by
itself turns NaN into null and takes sets and bytes; so every value is walked before it is encoded.
Tuples become lists, and subclasses of the JSON types their base type; integers stay exact and
floats stay floats.
"""

from datetime import date, datetime
from typing import Any

import msgspec

from .error_text import type_name
from .errors import PayloadError, PayloadTooLarge
from .walks import EXPONENT_FROM, Arguments, Walk, is_flat

MAX_PAYLOAD_BYTES = 262_144
MAX_RESULT_BYTES = 65_536
MAX_DEPTH = 64
UNSERIALISABLE = "_unserialisable"


#: Held in a tuple, where a library that freezes the clock does not put its own in their place.
_TIMES = (datetime, date)

_encode = msgspec.json.Encoder().encode


def dump_payload(
    value: object, *, max_bytes: int = MAX_PAYLOAD_BYTES, max_depth: int = MAX_DEPTH
) -> str:
    """Return the JSON text of `value`; keys keep their order.

    Raises PayloadError naming the path of what cannot be stored, as in `kwargs['user'].tags[3]`,
    and PayloadTooLarge past `max_bytes` of UTF-8.
    """
    walk = Walk(max_bytes=max_bytes, max_depth=max_depth)
    walk.visit(value, None, 0)
    return _text(value, walk, max_bytes=max_bytes)


def dump_arguments(arguments: Arguments, *, max_bytes: int = MAX_PAYLOAD_BYTES) -> str:
    """As `dump_payload`, of what `ArgumentSpec.bind` returned."""
    if not is_flat(arguments):
        return dump_payload(arguments, max_bytes=max_bytes)
    return _encoded(arguments, max_bytes=max_bytes)


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
        walk = Walk(max_bytes=max_bytes, max_depth=MAX_DEPTH, takes_typed=True)
        walk.visit(plain, None, 0)
        if walk.met_typed:
            plain = msgspec.to_builtins(value, enc_hook=exact_scalar)
            walk = Walk(max_bytes=max_bytes, max_depth=MAX_DEPTH)
            walk.visit(plain, None, 0)
        return _text(plain, walk, max_bytes=max_bytes), True
    except Exception:  # a result may be anything, and so may its conversion raise anything
        return _encode({UNSERIALISABLE: type_name(type(value))}).decode(), False


class _Payload(msgspec.Struct, forbid_unknown_fields=True):
    args: list[Any]
    kwargs: dict[str, Any]


_decode = msgspec.json.Decoder(_Payload).decode


def _text(value: object, walk: Walk, *, max_bytes: int) -> str:
    return _encoded(_exact(value) if walk.needs_rebuild else value, max_bytes=max_bytes)


def _encoded(value: object, *, max_bytes: int) -> str:
    try:
        encoded = _encode(value)
    except ValueError as error:  # the process has lowered sys.set_int_max_str_digits
        raise PayloadError("payload", f"cannot be written: {error}") from error
    if len(encoded) > max_bytes:
        raise PayloadTooLarge(len(encoded), max_bytes)
    return encoded.decode()


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
    if isinstance(value, float) and abs(value) >= EXPONENT_FROM:
        return msgspec.Raw(b"%d.0" % int(value))
    return exact_scalar(value)
