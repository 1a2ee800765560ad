"""What a benchmark found, as a table or as JSON, and where and how it was measured."""

import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from django_jobqueue import __version__

from .children import ROOT
from .databases import server_facts

Cell = str | int | float
#: What a run of all benchmarks changes itself, as git excludes it.
NOT_CODE = (":!benchmarks/results", ":!docs/performance*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The findings of one benchmark, with figures and settings as JSON has them.

    The first row of the table is its head.
    """

    title: str
    figures: Mapping[str, object]
    settings: Mapping[str, object]
    table: Sequence[Sequence[Cell]]


def print_report(report: Report, *, as_json: bool) -> None:
    """Print to standard output; what is printed there besides would spoil the JSON."""
    facts = {
        "machine": _machine(),
        "settings": {**report.settings, **server_facts()},
        "commit": _commit(),
    }
    if as_json:
        print(json.dumps({**report.figures, **facts}, indent=2))
        return
    print(report.title)
    print()
    print(_aligned(report.table))
    print()
    for about, told in facts.items():
        print(f"{about}: {_told(told)}")


def progress(line: str) -> None:
    """Say on standard error what was just measured."""
    print(line, file=sys.stderr, flush=True)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` in a hundred do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def in_percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    """Return the figures by which spans are told."""
    found = {f"p{percent}_ms": percentile(milliseconds, percent) for percent in (50, 95, 99)}
    return {name: round(ms, 2) for name, ms in {**found, "max_ms": max(milliseconds)}.items()}


def table_of(figures: Mapping[str, float]) -> list[Sequence[Cell]]:
    """Return a row for each of these figures, which are milliseconds."""
    return [("", "ms"), *((name.removesuffix("_ms"), ms) for name, ms in figures.items())]


def rows_of(figures: Mapping[str, Mapping[str, Cell]]) -> list[Sequence[Cell]]:
    """Return a row for each subject: its name, and its figures."""
    rows: list[Sequence[Cell]] = []
    for name, about in figures.items():
        row: list[Cell] = [name, *about.values()]
        rows.append(row)
    return rows


def _aligned(table: Sequence[Sequence[Cell]]) -> str:
    texts = [[_cell(cell) for cell in row] for row in table]
    widths = [max(len(text) for text in column) for column in zip(*texts, strict=True)]
    return "\n".join(
        "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True))
        for row in texts
    )


def _cell(cell: Cell) -> str:
    if isinstance(cell, float):
        return f"{cell:,.2f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _told(facts: object) -> str:
    if isinstance(facts, Mapping):
        return ", ".join(f"{name} {value}" for name, value in facts.items())
    return str(facts)


def _machine() -> dict[str, object]:
    return {
        "cpus": os.cpu_count(),
        "processor": _processor(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "django": version("django"),
        "psycopg": _version_or_none("psycopg"),
        "django_jobqueue": __version__,
    }


def _processor() -> str | None:
    """The name that Linux tells of it, where it tells one."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, None)


def _version_or_none(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit, marked where the checkout differs from it in more than what figures change; None
    outside a repository.
    """
    described = _git("describe", "--always", "--exclude=*")
    if not described:
        return None
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", *NOT_CODE)
    return f"{described}-dirty" if changed else described


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()
