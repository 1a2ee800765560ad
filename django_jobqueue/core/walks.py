"""A look at every value of a payload before it is encoded, which refuses what cannot be kept."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from .error_text import short_repr, type_name
from .errors import PayloadError, PayloadTooLarge

EXPONENT_FROM = 1e16  # from here on floats are written with an exponent

_MAX_DIGITS = 4_300  # what Python converts between text and int unless told otherwise
_INTEGER_END = 10**_MAX_DIGITS
_STEPS_SHOWN = 12
_REFUSED_EVEN_IN_RESULTS = (set, frozenset, bytes, bytearray, memoryview)

#: A call as {"args": […], "kwargs": {…}}.
Arguments = Mapping[str, Any]
#: The keys and indexes that lead to a value, innermost first.
_Path = tuple["_Path | None", str | int]


class Walk:
    """One look at every value of a payload, in the order they are written.

    Bounded by `max_depth` and, since every value takes a byte or more, by `max_bytes`: neither a
    cycle nor a small value that refers to itself 2 ** 60 times keeps it busy.
    """

    __slots__ = ("left", "max_bytes", "max_depth", "met_typed", "needs_rebuild", "takes_typed")

    _visitors: ClassVar[dict[type, Callable[["Walk", Any, _Path | None, int], None]]]

    def __init__(self, *, max_bytes: int, max_depth: int, takes_typed: bool = False) -> None:
        self.left = self.max_bytes = max_bytes
        self.max_depth = max_depth
        self.takes_typed = takes_typed
        self.met_typed = False
        self.needs_rebuild = False

    def visit(self, value: object, path: _Path | None, depth: int) -> None:
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
        if value >= EXPONENT_FROM or value <= -EXPONENT_FROM:
            self.needs_rebuild = True

    def _visit_items(self, value: list[object], path: _Path | None, depth: int) -> None:
        self._enter(len(value), path, depth)
        for index, item in enumerate(value):
            if not _is_plain(item):
                self.visit(item, (path, index), depth + 1)

    def _visit_members(self, value: dict[str, object], path: _Path | None, depth: int) -> None:
        self._enter(len(value), path, depth)
        for key, member in value.items():
            if not (type(key) is str and key.isascii() and "\x00" not in key):
                _check_key(key, path)
            if not _is_plain(member):
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

    def _enter(self, members: int, path: _Path | None, depth: int) -> None:
        if depth >= self.max_depth:
            raise PayloadError(
                _spelled(path),
                f"is nested more than {self.max_depth} deep, or contains itself",
            )
        self.left -= members
        if self.left < 0:
            raise PayloadTooLarge(self.max_bytes + 1, self.max_bytes)


Walk._visitors = {
    type(None): Walk._visit_constant,
    bool: Walk._visit_constant,
    str: Walk._visit_text,
    int: Walk._visit_integer,
    float: Walk._visit_float,
    list: Walk._visit_items,
    tuple: Walk._visit_items,
    dict: Walk._visit_members,
}


def _check_key(key: object, path: _Path | None) -> None:
    if not isinstance(key, str):
        raise PayloadError(
            _spelled(path),
            f"has the key {short_repr(key)}, of type {type_name(type(key))}; "
            "the keys of JSON objects are text",
        )
    if (why := why_unstorable(key)) is not None:
        raise PayloadError(_spelled(path), f"has a key that {why}: {short_repr(key)}")


def is_flat(arguments: Arguments) -> bool:
    """Whether all arguments are plain: such a call, as most are, need not be walked."""
    for value in arguments["args"]:
        if not _is_plain(value):
            return False
    for key, value in arguments["kwargs"].items():
        if not (type(key) is str and _is_plain(key) and _is_plain(value)):
            return False
    return True


def _is_plain(value: Any) -> bool:
    """Whether there is nothing to say of this value: most are such scalars, and need no visit."""
    kind = type(value)
    if kind is str:
        return bool(value.isascii() and "\x00" not in value)
    if kind is int:
        return bool(-_INTEGER_END < value < _INTEGER_END)
    if kind is float:
        return bool(-EXPONENT_FROM < value < EXPONENT_FROM)
    return value is None or kind is bool


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
