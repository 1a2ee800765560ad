"""The geometry of the charts: pure values, which templates turn into SVG.

Lengths are user units of a drawing that is `WIDTH` wide, and scales with the page.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .scales import Scale

WIDTH = 720.0
#: The parts of a bar, in order, and how they are called.
PARTS = {"code": "code", "comment": "comments", "blank": "blank lines"}

_TEXT_HEIGHT = 9.0
_BELOW_GRID = 46.0  # the labels of the ticks and of the axis
_LONGEST_NAME = 21
_EN_DASH = "\u2013"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A line of the grid."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a bar; `told` is what it says when pointed at."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar and its two labels, with where they stand."""

    label: str
    label_x: float
    label_y: float
    value: str
    value_x: float
    value_y: float
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A whole chart; the lines of its grid run from `first` to `last`, across the ticks."""

    slug: str
    title: str
    bar_heading: str
    value_heading: str
    axis: str
    is_horizontal: bool
    height: float
    first: float
    last: float
    ticks: Sequence[Tick]
    bars: Sequence[Bar]
    legend: Mapping[str, str]

    @property
    def width(self) -> float:
        return WIDTH

    @property
    def tick_label_at(self) -> float:
        """Below the grid of horizontal bars, left of the grid of columns."""
        return self.last + 18 if self.is_horizontal else self.first - 8

    @property
    def axis_label_x(self) -> float:
        left = self.ticks[0].at if self.is_horizontal else self.first
        right = self.ticks[-1].at if self.is_horizontal else self.last
        return (left + right) / 2

    @property
    def axis_label_y(self) -> float:
        return self.height - 6


def bar_chart_of_packages(packages: Sequence[Mapping[str, Any]]) -> Chart:
    """Return one bar for each package, its lines by kind; `packages` as in the summary."""
    left, right, top, pitch = 170.0, 70.0, 8.0, 30.0
    longest = max((row["total"] for row in packages), default=0)
    scale = Scale.up_to(longest, start=left, end=WIDTH - right)
    last = top + len(packages) * pitch
    return Chart(
        slug="packages",
        title="The largest packages",
        bar_heading="Package",
        value_heading="Lines",
        axis="lines",
        is_horizontal=True,
        height=last + _BELOW_GRID,
        first=top - 4,
        last=last,
        ticks=_ticks(scale),
        bars=[
            _package_bar(row, y=top + index * pitch, scale=scale)
            for index, row in enumerate(packages)
        ],
        legend=PARTS,
    )


def _package_bar(row: Mapping[str, Any], *, y: float, scale: Scale) -> Bar:
    thickness = 20.0
    baseline = y + (thickness + _TEXT_HEIGHT) / 2
    parts, before = [], 0
    for kind, told in PARTS.items():
        start, end = scale.place(before), scale.place(before + row[kind])
        text = f"{row['name']}: {row[kind]:,} of {row['total']:,} lines are {told}"
        parts.append(Part(kind=kind, x=start, y=y, width=end - start, height=thickness, told=text))
        before += row[kind]
    return Bar(
        label=_shortened(row["name"]),
        label_x=scale.start - 10,
        label_y=baseline,
        value=f"{row['total']:,}",
        value_x=scale.place(row["total"]) + 8,
        value_y=baseline,
        parts=parts,
    )


def histogram_of_file_sizes(columns: Sequence[Mapping[str, int]]) -> Chart:
    """Return one column for each range of file sizes; `columns` as in the summary."""
    left, right, top, bottom = 56.0, 12.0, 26.0, 246.0
    highest = max((column["files"] for column in columns), default=0)
    scale = Scale.up_to(highest, start=bottom, end=top)
    pitch = (WIDTH - left - right) / max(len(columns), 1)
    labelled = zip(columns, _ranges(columns), strict=True)
    return Chart(
        slug="file-sizes",
        title="How long the files are",
        bar_heading="Lines",
        value_heading="Files",
        axis="lines in the file",
        is_horizontal=False,
        height=bottom + _BELOW_GRID,
        first=left,
        last=WIDTH - right,
        ticks=_ticks(scale),
        bars=[
            _size_column(
                column["files"],
                label,
                middle=left + (index + 0.5) * pitch,
                pitch=pitch,
                scale=scale,
            )
            for index, (column, label) in enumerate(labelled)
        ],
        legend={},
    )


def _size_column(files: int, label: str, *, middle: float, pitch: float, scale: Scale) -> Bar:
    thickness, top = pitch * 0.78, scale.place(files)
    column = Part(
        kind="code",
        x=middle - thickness / 2,
        y=top,
        width=thickness,
        height=scale.start - top,
        told=f"{files:,} files have {label} lines",
    )
    return Bar(
        label=label,
        label_x=middle,
        label_y=scale.start + 18,
        value=f"{files:,}",
        value_x=middle,
        value_y=top - 6,
        parts=[column],
    )


def _ranges(columns: Sequence[Mapping[str, int]]) -> Iterable[str]:
    bounds = [column["from"] for column in columns]
    for low, above in zip(bounds, [*bounds[1:], None], strict=True):
        if above is None:
            yield f"{low:,}+"
        elif above == low + 1:
            yield f"{low:,}"
        else:
            yield f"{low:,}{_EN_DASH}{above - 1:,}"


def _ticks(scale: Scale) -> Sequence[Tick]:
    return [Tick(at=scale.place(value), label=_tick_label(value)) for value in scale.values]


def _tick_label(value: int) -> str:
    return f"{value // 1000:,}k" if value >= 10_000 and value % 1000 == 0 else f"{value:,}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"
