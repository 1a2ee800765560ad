"""The report of a complete census as a Markdown file."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .dead_letters import dead_letters_of
from .models import Census

Row = Sequence[object]


def publish(census: Census, *, folder: Path) -> str:
    """Write the report into `folder` and return the name of its file.

    The file appears whole or not at all: a reader never sees half a report.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = f"census-{census.pk}.md"
    text = "\n".join(report_lines(census)) + "\n"
    handle, draft = tempfile.mkstemp(dir=folder, prefix=name)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(draft).chmod(0o644)
    Path(draft).replace(folder / name)
    Census.objects.filter(pk=census.pk).update(report_name=name)
    return name


def report_lines(census: Census) -> Iterator[str]:
    """Yield the report; the census must have a summary."""
    summary = census.summary or {}
    totals = summary["totals"]
    yield f"# Census {census.pk}: {', '.join(census.folders)}"
    yield ""
    yield f"Started {census.started_at:%Y-%m-%d %H:%M} UTC; pattern `{census.pattern}`."
    yield f"{totals['files']:,} of {census.files_found:,} files were counted:"
    yield (
        f"{totals['lines']:,} lines, {totals['functions']:,} functions, "
        f"{totals['classes']:,} classes."
    )
    for title, columns, rows in _tables(summary):
        yield from _table(title, columns, rows)
    letters = [(letter.subject, letter.reason, letter.error) for letter in dead_letters_of(census)]
    yield from _table("Could not be counted", ("job", "reason", "error"), letters)


def _tables(summary: dict[str, Any]) -> Iterator[tuple[str, Sequence[str], Iterable[Row]]]:
    yield (
        "Packages by lines",
        ("package", "files", "lines"),
        ((row["name"], row["files"], row["total"]) for row in summary["packages"]),
    )
    yield (
        "Longest files",
        ("file", "lines"),
        ((row["path"], row["lines"]) for row in summary["longest_files"]),
    )
    yield (
        "Imported most",
        ("module", "files"),
        ((row["name"], row["files"]) for row in summary["imports"]),
    )
    yield (
        "Licences",
        ("licence", "distributions"),
        ((row["name"], row["distributions"]) for row in summary["distributions"]["licences"]),
    )


def _table(title: str, columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    yield from ("", f"## {title}", "", _row(columns), _row(["---"] * len(columns)))
    for row in rows:
        yield _row([f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row])


def _row(cells: Sequence[str]) -> str:
    # A bar or a line break in an error's text would end the cell or the row.
    escaped = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(escaped)} |"
