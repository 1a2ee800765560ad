"""Metrics for Prometheus; needs the extra `prometheus`.

from prometheus_client import REGISTRY

REGISTRY.register(JobQueueCollector())
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from django_jobqueue.core.figures import Figures, Observed, Series
from django_jobqueue.core.figures import figures as figures_of_process

from .definitions import COUNTED, Metric, MetricKind

Number = TypeVar("Number")

#: Gauges as they are now, by metric: the values of its labels, and the number.
Gauges = Mapping[Metric, Sequence[tuple[tuple[str, ...], float]]]


class JobQueueCollector(Collector):
    """What was counted in this process, for a registry of the site's own."""

    def __init__(self, figures: Figures = figures_of_process) -> None:
        self._figures = figures

    def describe(self) -> Iterable[Family]:
        """Name the metrics, for a registry that looks for duplicates."""
        return JobQueueCollector(Figures()).collect()

    def collect(self) -> Iterator[Family]:
        """Yield each metric with what was counted so far."""
        counts, observed = self._figures.counts(), self._figures.observed()
        for metric in COUNTED:
            if metric.kind is MetricKind.HISTOGRAM:
                yield _histogram(metric, observed)
            else:
                yield _counter(metric, counts)


class GaugeCollector(Collector):
    """Gauges that somebody else has read."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Family]:
        """Yield each of them."""
        for metric, values in self._gauges.items():
            family = GaugeMetricFamily(metric.name, metric.told, labels=metric.labels)
            for labels, number in values:
                family.add_metric(labels, number)
            yield family


class _All(Collector):
    def __init__(self, collectors: Sequence[Collector]) -> None:
        self._collectors = collectors

    def collect(self) -> Iterator[Family]:
        for collector in self._collectors:
            yield from collector.collect()


def text_of(*collectors: Collector) -> str:
    """Return what the collectors say in the text format of Prometheus, version 0.0.4."""
    return generate_latest(_All(collectors)).decode()


def _counter(metric: Metric, counts: Mapping[Series, float]) -> Family:
    family = CounterMetricFamily(metric.name, metric.told, labels=metric.labels)
    found = {labels: number for (name, labels), number in counts.items() if name == metric.name}
    for labels, number in sorted(found.items()) or _first(metric, 0.0):
        family.add_metric(labels, number)
    return family


def _histogram(metric: Metric, observed: Mapping[Series, Observed]) -> Family:
    family = HistogramMetricFamily(metric.name, metric.told, labels=metric.labels)
    found = {labels: seen for (name, labels), seen in observed.items() if name == metric.name}
    nothing = Observed((0,) * (len(metric.bounds) + 1), 0.0)
    bounds = [*map(floatToGoString, metric.bounds), "+Inf"]
    for labels, seen in sorted(found.items()) or _first(metric, nothing):
        buckets = zip(bounds, map(float, accumulate(seen.between)), strict=True)
        family.add_metric(labels, list(buckets), sum_value=seen.total)
    return family


def _first(metric: Metric, nothing: Number) -> Sequence[tuple[tuple[str, ...], Number]]:
    """A metric without labels is there before anything was counted."""
    return () if metric.labels else [((), nothing)]
