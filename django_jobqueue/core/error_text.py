"""Errors and stray values as text and JSON that both databases can store.

Nothing here raises, whatever it is given: recording an outcome cannot fail because of its data.
"""

import dataclasses
import math
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

import msgspec

TEXT_LIMIT = 32_768
MESSAGE_LIMIT = 4_096
NAME_LIMIT = 255
_MAX_DEPTH = 16
_LEFT_OUT = "…"
_PUNCTUATION = 4  # characters that a value costs besides its own: quotes, comma
_INTEGER_END = 2**63  # beyond it readers of JSON disagree about integers

Answer = TypeVar("Answer")
Fallback = TypeVar("Fallback")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDescription:
    """What is kept of an exception; every text in it is storable.

    `type` is its qualified name. `traceback` tells of causes and groups and holds no local
    variables. `fields` are those of an exception that is a dataclass, as JSON-safe values.
    """

    type: str
    message: str = ""
    traceback: str = ""
    fields: Mapping[str, object] = dataclasses.field(default_factory=dict)


def describe_error(error: BaseException) -> ErrorDescription:
    """Return what is kept of `error`: message to 4 KiB, traceback to 32 KiB, head and tail."""
    return ErrorDescription(
        type=type_name(type(error)),  # not error.__class__, which may lie
        message=storable_text(error, MESSAGE_LIMIT),
        traceback=_guarded(lambda: _traceback_of(error), "this error could not be formatted"),
        fields=_guarded(lambda: _fields_of(error), {}),
    )


def type_name(kind: type) -> str:
    """Return the qualified name of a class, without `builtins`."""

    def name() -> str:
        module, qualified = kind.__module__, kind.__qualname__
        return qualified if module == "builtins" else f"{module}.{qualified}"

    return storable_text(_guarded(name, "a class without a name"), NAME_LIMIT)


def storable_text(text: object, limit: int = TEXT_LIMIT) -> str:
    """Return `str(text)` as text of at most `limit` bytes of UTF-8, its middle left out if need be.

    NUL characters become U+FFFD and lone surrogates their escapes.
    """
    fallback = "text that could not be stored"[:limit]
    return _guarded(lambda: _cut(_printed(text), limit), fallback)


def short_repr(value: object, limit: int = 80) -> str:
    """Return the repr of `value` for a message: one line of ASCII, cut at `limit` characters."""
    text = _guarded(lambda: ascii(value), f"a {type_name(type(value))}")
    return text if len(text) <= limit else text[:limit] + _LEFT_OUT


def sanitise_json(value: object, limit: int = TEXT_LIMIT) -> object:
    """Return `value` as plain JSON data, equal to it wherever it was such data already.

    What JSON has no form for (NaN, an integer beyond 64 bits, an object, a key that is no text)
    becomes text; what is past `limit` characters in all, or too deep, becomes "…".
    """
    return _guarded(lambda: _Sanitiser(limit).clean(value, 0), _LEFT_OUT)


def _guarded(answer: Callable[[], Answer], fallback: Fallback) -> Answer | Fallback:
    try:
        return answer()
    except BaseException:  # what is described may raise anything from anywhere, SystemExit included
        return fallback


def _printed(value: object) -> str:
    if type(value) is str:
        return value
    unprintable = f"<{type_name(type(value))} that cannot be printed>"
    return _guarded(
        lambda: str.__str__(str(value)),
        _guarded(lambda: str.__str__(repr(value)), unprintable),
    )


def _cut(text: str, limit: int) -> str:
    if len(text) > 2 * limit:  # spares encoding what is left out anyway
        text = text[:limit] + text[-limit:]
    encoded = text.replace("\x00", "\ufffd").encode("utf-8", "backslashreplace")
    if len(encoded) <= limit:
        return encoded.decode()
    mark = f"\n{_LEFT_OUT} left out {_LEFT_OUT}\n".encode()
    half = (limit - len(mark)) // 2
    if half <= 0:
        return encoded[:limit].decode(errors="ignore")
    head, tail = encoded[:half].decode(errors="ignore"), encoded[-half:].decode(errors="ignore")
    return head + mark.decode() + tail


def _traceback_of(error: BaseException) -> str:
    lines = _guarded(lambda: traceback.format_exception(error), None)
    if lines is None:
        lines = [*traceback.format_tb(error.__traceback__), f"{type_name(type(error))}\n"]
    return storable_text("".join(lines), TEXT_LIMIT)


def _fields_of(error: BaseException) -> dict[str, object]:
    kind: type = type(error)
    if not dataclasses.is_dataclass(kind):
        return {}
    # A field may be missing (an __init__ of its own) or raise; the others are kept all the same.
    values = {
        field.name: _guarded(partial(getattr, error, field.name), _LEFT_OUT)
        for field in dataclasses.fields(kind)
    }
    cleaned = sanitise_json(values)
    return cleaned if isinstance(cleaned, dict) else {}


class _Sanitiser:
    """Copies a value as JSON data until `left` characters are spent."""

    def __init__(self, limit: int) -> None:
        self.left = limit

    def clean(self, value: object, depth: int) -> object:
        self.left -= _PUNCTUATION
        if self.left < 0 or depth > _MAX_DEPTH:
            return _LEFT_OUT
        if value is None or type(value) is bool:
            return value
        return _guarded(lambda: self._clean(value, depth), _LEFT_OUT)

    def _clean(self, value: object, depth: int) -> object:
        match value:
            case str():
                return self._text(str.__str__(value))
            case int() if abs(value) < _INTEGER_END:
                return int.__int__(value)
            case float() if math.isfinite(value):
                return float.__float__(value)
            case dict():
                return self._members(value, depth)
            case list() | tuple() | set() | frozenset():
                return self._items(value, depth)
            case _:
                return self._other(value, depth)

    def _members(self, value: dict[object, object], depth: int) -> dict[str, object]:
        members: dict[str, object] = {}
        for key, member in value.items():
            if self.left <= 0:
                members[_LEFT_OUT] = _LEFT_OUT
                break
            members[self._text(_printed(key))] = self.clean(member, depth + 1)
        return members

    def _items(
        self, value: list[object] | tuple[object, ...] | set[object] | frozenset[object], depth: int
    ) -> list[object]:
        items: list[object] = []
        for item in value:
            if self.left <= 0:
                items.append(_LEFT_OUT)
                break
            items.append(self.clean(item, depth + 1))
        return items

    def _other(self, value: object, depth: int) -> object:
        plain = _guarded(lambda: msgspec.to_builtins(value), value)
        if isinstance(plain, str | dict | list):
            return self._clean(plain, depth)
        return self._text(_printed(value))

    def _text(self, text: str) -> str:
        kept = storable_text(text, max(self.left, 1))
        self.left -= len(kept)
        return kept
