"""Array parameters as text literals.

A list would be sent with a type that depends on its values (int2[], int4[] …), and each type is a
prepared statement of its own; a literal takes its type from the cast in the statement, and is built
faster. https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

Plain = int | float | bool | UUID | datetime | None


def array(values: Iterable[Plain]) -> str:
    """Return the literal of values that need no quotes; None is NULL, times must be aware."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def array_of_ids(ids: Iterable[int]) -> str:
    """As `array`, of many numbers."""
    return "{" + ",".join(map(str, ids)) + "}"


def array_of_tokens(tokens: Iterable[UUID]) -> str:
    """As `array`, of many UUIDs of which neighbours are mostly the same object."""
    return "{" + ",".join(_texts_of_tokens(tokens)) + "}"


def array_of_moments(times: Iterable[datetime | None]) -> str:
    """Return the literal of aware times as seconds since 1970, for `to_timestamp`: written in a
    third of the time that dates take, and exact to the microsecond until 2106.
    """
    return "{" + ",".join(["NULL" if at is None else str(at.timestamp()) for at in times]) + "}"


def quoted_array(values: Iterable[str | None]) -> str:
    """Return the literal of texts, each quoted."""
    return "{" + ",".join(map(_quoted, values)) + "}"


def _texts_of_tokens(tokens: Iterable[UUID]) -> Iterator[str]:
    last, text = None, ""
    for token in tokens:
        if token is not last:
            last, text = token, str(token)
        yield text


def _quoted(value: str | None) -> str:
    if value is None:
        return "NULL"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
