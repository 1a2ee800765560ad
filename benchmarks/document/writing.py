"""The document and its charts, from the results."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.children import ROOT

from . import capacity, comparisons, throughput, waiting
from .charts import bar_chart
from .page import Section, paragraph, table
from .results import Results
from .targets import target_rows

DOCS = ROOT / "docs"
PAGE, CHARTS = "performance.md", "performance"
SECTIONS: tuple[Section, ...] = (
    *throughput.SECTIONS,
    *waiting.SECTIONS,
    *comparisons.SECTIONS,
    *capacity.SECTIONS,
)
HEAD = """
This page is made from the JSON of the benchmarks by `python -m benchmarks document`; nothing in it
is written by hand. `python -m benchmarks all` measures everything anew on your machine and makes
the page again (`--quick` takes about half an hour), and `python -m benchmarks NAME` measures one
part. Ratios compare what was measured in the same minutes: subjects take turns, round after round,
and the median of the rounds counts. Each benchmark checks that every job ran exactly once before it
prints a figure. Other systems are installed below `.cache/peers`; one of them takes Debian's
redis-server, another Python 3.12 (`--newer-python`), and two hosts take iproute2 and root: what is
missing is said at the beginning, and the rest is measured.
"""


def files_of(results: Results) -> dict[str, str]:
    """Return the text of every file of the document, by its path below docs."""
    files = {PAGE: "\n".join(_page(results)) + "\n"}
    for section in _measured(results):
        if chart := _chart(section, results):
            files[f"{CHARTS}/{section.name}.svg"] = chart
    return files


def write(results: Results, *, folder: Path = DOCS) -> None:
    """Write the document; charts of what is no longer measured go."""
    files = files_of(results)
    for old in (folder / CHARTS).glob("*.svg"):
        if f"{CHARTS}/{old.name}" not in files:
            old.unlink()
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def differences(results: Results, *, folder: Path = DOCS) -> list[str]:
    """Return the files that are not what the results make of them, or should not be there."""
    files = files_of(results)
    there = {f"{CHARTS}/{file.name}" for file in (folder / CHARTS).glob("*.svg")}
    stale = sorted(there - files.keys())
    differing = [
        name
        for name, text in files.items()
        if not (folder / name).exists() or (folder / name).read_text() != text
    ]
    return [*differing, *stale]


def _measured(results: Results) -> Iterator[Section]:
    return (one for one in SECTIONS if all(need in results for need in one.needs))


def _page(results: Results) -> Iterator[str]:
    yield from ("# Performance", "", *paragraph(HEAD), "")
    yield from ("## What it must show", "")
    yield from table([("measure", "bound", "measured", "kept"), *target_rows(results)])
    yield from ("", "## Where it was measured", "", *_machines(results))
    for section in SECTIONS:
        yield from ("", f"## {section.heading}", "", *paragraph(section.text), "")
        yield from _body(section, results)


def _body(section: Section, results: Results) -> Iterator[str]:
    if missing := [need for need in section.needs if need not in results]:
        yield f"Not measured yet: {', '.join(missing)}."
        return
    body = section.body(results)
    if body.bars:
        yield from (f"![{body.chart_title}]({CHARTS}/{section.name}.svg)", "")
    yield from table(body.table)
    if body.remarks:
        yield from ("", *(f"- {remark}" for remark in body.remarks))


def _chart(section: Section, results: Results) -> str | None:
    body = section.body(results)
    return bar_chart(body.chart_title, body.bars) if body.bars else None


def _machines(results: Results) -> Iterator[str]:
    """Yield what was the same for several results once, with their names."""
    places: dict[str, list[str]] = {}
    for name, figures in results.items():
        places.setdefault(_place(figures), []).append(name)
    if not places:
        yield "Not measured yet."
    for place, names in places.items():
        yield f"- {', '.join(names)}: {place}"


def _place(figures: Mapping[str, object]) -> str:
    parts = []
    for about in ("machine", "settings"):
        found = figures.get(about)
        told = found if isinstance(found, Mapping) else {}
        parts.append(", ".join(f"{name} {value}" for name, value in told.items()))
    return f"{'; '.join(parts)}; commit {figures.get('commit')}"
