"""What subcommands print for people."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django_jobqueue.core.clock import moment_text
from django_jobqueue.core.health import counted
from django_jobqueue.core.visible import visible

_NAMED = 20


def cell(value: object) -> str:
    """Return a value as one line without a character that could steer a terminal; "-" for none."""
    if value is None or value == "":
        return "-"
    text = moment_text(value) if isinstance(value, datetime) else str(value)
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return rows under their headers, in columns; the headers alone where there are none."""
    lines = [list(headers), *([cell(value) for value in row] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(headers))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def ids_text(ids: Sequence[int]) -> str:
    """Return the first of the ids, and how many more there are."""
    shown = ", ".join(str(one) for one in ids[:_NAMED])
    return shown if len(ids) <= _NAMED else f"{shown} and {len(ids) - _NAMED:,} more"


def number(count: int, *, dry_run: bool) -> str:
    """Return a count; that of a dry run has stopped at its limit."""
    return counted(count) if dry_run else f"{count:,}"
