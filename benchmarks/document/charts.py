"""Bar charts as SVG: readable on light and dark pages, and without colour."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, BAR_HEIGHT, GAP, TOP = 720, 20, 8, 34
#: Where bars begin and the longest one ends: labels stand before, values behind.
LEFT, RIGHT = 230, 600
STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.ours { fill: #2f6f9f } .other { fill: #9aa7b1 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .ours { fill: #58a6d6 } .other { fill: #6e7781 }
}
</style>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One value; `is_ours` says that it is of this project, not of what it is compared with."""

    label: str
    value: float
    is_ours: bool = True


def bar_chart(title: str, bars: Sequence[Bar]) -> str:
    """Return an SVG document of horizontal bars, the values written beside them."""
    height = TOP + len(bars) * (BAR_HEIGHT + GAP)
    longest = max((bar.value for bar in bars), default=0.0) or 1.0
    told = ", ".join(f"{bar.label}: {amount(bar.value)}" for bar in bars)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(told)}</desc>",
        STYLE,
        f'<text class="title" x="0" y="18">{escape(title)}</text>',
    ]
    for place, bar in enumerate(bars):
        lines += _drawn(bar, top=TOP + place * (BAR_HEIGHT + GAP), longest=longest)
    return "\n".join([*lines, "</svg>", ""])


def amount(value: float) -> str:
    """Return a number as people read it: no more digits than matter."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.2f}"


def _drawn(bar: Bar, *, top: int, longest: float) -> list[str]:
    width = max(1.0, (RIGHT - LEFT) * bar.value / longest)
    baseline = top + 15
    kind = "ours" if bar.is_ours else "other"
    return [
        f'<text x="{LEFT - 8}" y="{baseline}" text-anchor="end">{escape(bar.label)}</text>',
        f'<rect class="{kind}" x="{LEFT}" y="{top}" width="{width:.1f}" height="{BAR_HEIGHT}"/>',
        f'<text x="{LEFT + width + 6:.1f}" y="{baseline}">{amount(bar.value)}</text>',
    ]
