"""Parts of a Markdown page."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .charts import Bar, amount
from .results import Results

WIDTH = 130
Row = Sequence[str | float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What was measured: a table whose first row is its head, and a chart."""

    table: Sequence[Row]
    chart_title: str = ""
    bars: Sequence[Bar] = ()
    remarks: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading, what its figures mean, and what reads them from the results it `needs`."""

    name: str
    heading: str
    text: str
    needs: Sequence[str]
    body: Callable[[Results], Body]


def table(rows: Sequence[Row]) -> list[str]:
    """Return the lines of a Markdown table."""
    head, *others = [[_cell(cell) for cell in row] for row in rows]
    return [
        f"| {' | '.join(head)} |",
        f"| {' | '.join('---' for _ in head)} |",
        *(f"| {' | '.join(row)} |" for row in others),
    ]


def paragraph(text: str) -> list[str]:
    """Return the lines of a text, which may be broken and indented anyhow."""
    return textwrap.wrap(" ".join(text.split()), WIDTH, break_on_hyphens=False)


def _cell(cell: str | float) -> str:
    return cell if isinstance(cell, str) else amount(cell)
