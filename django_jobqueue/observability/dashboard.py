"""A dashboard for Grafana, made from the definitions of the metrics.

`python -m django_jobqueue.observability.dashboard` prints it.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import definitions as metrics
from .definitions import COUNTED, OF_A_WORKER, OF_THE_SITE, Metric, MetricKind

WIDTH, HEIGHT = 8, 7
COLUMNS = 24 // WIDTH
SOURCE = {"type": "prometheus", "uid": "${source}"}
#: Which part of all observations lies below the lines of a histogram.
QUANTILES = (0.5, 0.95, 0.99)
#: By what a metric is split, where not by all of its labels.
SPLIT: dict[Metric, tuple[str, ...]] = {metrics.OUTCOMES: ("outcome",)}
#: What is looked at first, when somebody looks because of an alarm.
FIRST = (metrics.QUEUE_READY, metrics.QUEUE_WAIT, metrics.OUTCOMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One expression of a panel, and how Grafana names what it gives."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One diagram; the metric says what it is about."""

    metric: Metric
    unit: str
    lines: tuple[Line, ...]


def panels() -> tuple[Panel, ...]:
    """Return a panel for every metric, in the order in which they are looked at."""
    others = [one for one in (*COUNTED, *OF_A_WORKER, *OF_THE_SITE) if one not in FIRST]
    return tuple(_panel(metric) for metric in (*FIRST, *others))


def dashboard() -> dict[str, Any]:
    """Return what Grafana imports."""
    return {
        "title": "django_jobqueue",
        "uid": "django-jobqueue",
        "tags": ["django", "jobqueue"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_source()]},
        "panels": list(_placed()),
    }


def text() -> str:
    """Return the file."""
    return json.dumps(dashboard(), indent=2) + "\n"


def _panel(metric: Metric) -> Panel:
    split = SPLIT.get(metric, metric.labels)
    unit = "s" if "_seconds" in metric.name else "short"
    legend = " ".join(f"{{{{{label}}}}}" for label in split) or metric.name
    match metric.kind:
        case MetricKind.COUNTER:
            lines = [Line(expression=_sum(f"rate({metric.name}[5m])", split), legend=legend)]
            unit = "ops"
        case MetricKind.GAUGE:
            # Every process that is asked tells of the same queues; of workers there are many.
            together = _max if metric in OF_THE_SITE or unit == "s" else _sum
            lines = [Line(expression=together(metric.name, split), legend=legend)]
        case MetricKind.HISTOGRAM:
            rates = _sum(f"rate({metric.name}_bucket[5m])", (*split, "le"))
            lines = [
                Line(
                    expression=f"histogram_quantile({quantile:g}, {rates})",
                    legend=f"{quantile:.0%} {legend}",
                )
                for quantile in QUANTILES
            ]
    return Panel(metric=metric, unit=unit, lines=tuple(lines))


def _sum(expression: str, split: tuple[str, ...]) -> str:
    return f"sum{_by(split)} ({expression})"


def _max(expression: str, split: tuple[str, ...]) -> str:
    return f"max{_by(split)} ({expression})"


def _by(split: tuple[str, ...]) -> str:
    return f" by ({', '.join(split)})" if split else ""


def _source() -> dict[str, Any]:
    return {"name": "source", "type": "datasource", "query": "prometheus", "label": "Data source"}


def _placed() -> Iterator[dict[str, Any]]:
    for number, panel in enumerate(panels()):
        row, column = divmod(number, COLUMNS)
        yield {
            "id": number + 1,
            "type": "timeseries",
            "title": panel.metric.told.rstrip("."),
            "description": f"`{panel.metric.name}`",
            "datasource": SOURCE,
            "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
            "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
            "targets": [
                {
                    "refId": chr(ord("A") + position),
                    "datasource": SOURCE,
                    "expr": line.expression,
                    "legendFormat": line.legend,
                }
                for position, line in enumerate(panel.lines)
            ],
        }


if __name__ == "__main__":
    sys.stdout.write(text())
