"""One value to and from JSON by its annotation."""

import operator
from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
from msgspec import inspect as types

from .error_text import type_name
from .payloads import exact_scalar, exact_time

_SCALARS = (int, str, float, bool, type(None))
#: What JSON has itself: after the check of its type, such a value is stored as it is.
_NATIVE = (
    types.AnyType,
    types.BoolType,
    types.FloatType,
    types.IntType,
    types.ListType,
    types.LiteralType,
    types.NoneType,
    types.StrType,
    types.TupleType,
    types.UnionType,
    types.VarTupleType,
)
_UNSUPPORTED = (types.CustomType, types.ExtType, types.MemoryViewType, types.RawType)


class UnsupportedAnnotation(Exception):
    """No value of this type can be stored as JSON; the message says what to do instead."""


class Converter:
    """Checks and converts the values of one annotation; made once per parameter.

    `dump` and `load` raise what msgspec or the annotated class raises for a value that is none.
    Values annotated Any, in whole or inside a list or dict, must be plain JSON; inside a dataclass
    they are stored in their JSON form.
    """

    __slots__ = ("_is_native", "_type", "exact")

    def __init__(self, annotation: Any) -> None:
        self._type = annotation
        #: The type of values that are dumped and loaded as they are; those of a subclass are not.
        self.exact = annotation if annotation in _SCALARS else None
        self._is_native = all(_is_native(node) for node in _nodes(_type_info(annotation)))

    def dump(self, value: object) -> object:
        """Return the JSON form of a typed value. It has been seen to load again as it was."""
        if type(value) is self.exact:
            return value
        typed = self._typed(value)
        if self._is_native:
            return typed
        plain = _plain(typed)
        # An instance passes `convert` unseen, whatever its fields hold.
        if _plain(msgspec.convert(plain, self._type, str_keys=True)) != plain:
            raise TypeError("it does not read back from JSON as it was")
        return plain

    def _typed(self, value: object) -> object:
        try:
            return msgspec.convert(value, self._type, str_keys=True)
        except msgspec.ValidationError:
            exact = _with_exact_times(value)
            if exact is value:
                raise
            return msgspec.convert(exact, self._type, str_keys=True)

    def load(self, value: object) -> object:
        if type(value) is self.exact:
            return value
        return msgspec.convert(value, self._type, str_keys=True)


def _plain(value: object) -> object:
    return msgspec.to_builtins(value, str_keys=True, order="deterministic", enc_hook=exact_scalar)


def _with_exact_times(value: Any) -> Any:
    """Return the value itself, unless it is or contains a time of a type that msgspec refuses."""
    if isinstance(value, date):
        return exact_time(value)
    if isinstance(value, dict):
        members: Any = {name: _with_exact_times(member) for name, member in value.items()}
        is_same = all(members[name] is value[name] for name in value)
    elif isinstance(value, list | tuple | set):
        items = [_with_exact_times(item) for item in value]
        is_same = all(map(operator.is_, items, value))
        members = items
    else:
        return value
    return value if is_same else members


def _type_info(annotation: Any) -> types.Type:
    try:
        info = types.type_info(annotation)
    except Exception as error:  # typing and msgspec raise whatever an odd annotation leads to
        raise UnsupportedAnnotation(str(error)) from error
    for node in _nodes(info):
        if isinstance(node, _UNSUPPORTED) and getattr(node, "cls", None) is not object:
            unsupported = getattr(node, "cls", type(node))
            raise UnsupportedAnnotation(
                f"JSON has no form for {type_name(unsupported)}. Pass what it can be looked up by, "
                "such as its id, or a dataclass of plain fields."
            )
    return info


def _is_native(node: types.Type) -> bool:
    if isinstance(node, types.DictType):
        return isinstance(node.key_type, types.StrType | types.AnyType)
    if isinstance(node, types.CustomType):
        return node.cls is object
    return isinstance(node, _NATIVE)


def _nodes(info: types.Type) -> Iterator[types.Type]:
    """Every type that `info` is made of, itself first; a type that contains itself is told once."""
    waiting: list[object] = [info]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend(node)
        elif isinstance(node, types.Type | types.Field) and id(node) not in seen:
            seen.add(id(node))
            if isinstance(node, types.Type):
                yield node
            waiting.extend(getattr(node, name) for name in node.__struct_fields__)
