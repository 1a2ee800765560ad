import json
import re
from pathlib import Path

from django_jobqueue.observability.dashboard import dashboard, panels, text
from django_jobqueue.observability.definitions import METRICS, MetricKind

FILE = Path(__file__).parents[2] / "docs/grafana.json"
#: What a histogram has instead of a sample under its own name.
SUFFIXES = ("_bucket", "_sum", "_count")


def samples() -> dict[str, tuple[str, ...]]:
    """The labels of every sample that a scrape brings, by its name."""
    found: dict[str, tuple[str, ...]] = {}
    for name, metric in METRICS.items():
        if metric.kind is MetricKind.HISTOGRAM:
            found |= {f"{name}{suffix}": metric.labels for suffix in SUFFIXES}
            found[f"{name}_bucket"] = (*metric.labels, "le")
        else:
            found[name] = metric.labels
    return found


def test_the_file_is_up_to_date():
    assert FILE.read_text() == text(), (
        "python -m django_jobqueue.observability.dashboard > docs/grafana.json"
    )


def test_every_expression_names_a_sample_that_exists_and_labels_that_it_has():
    existing = samples()
    for panel in panels():
        for line in panel.lines:
            [name] = re.findall(r"jobqueue_\w+", line.expression)
            assert name in existing, line.expression
            split = re.findall(r" by \(([^)]*)\)", line.expression)
            used = {label for labels in split for label in labels.split(", ")}
            assert used <= set(existing[name]), line.expression
            legends = set(re.findall(r"{{(\w+)}}", line.legend))
            assert legends <= used, "a label that was summed away has no value"


def test_a_counter_is_shown_as_a_rate_and_a_histogram_by_its_quantiles():
    for panel in panels():
        is_rate = [f"rate({panel.metric.name}" in line.expression for line in panel.lines]
        assert all(is_rate) == (panel.metric.kind is not MetricKind.GAUGE)
        quantiles = sum("histogram_quantile" in line.expression for line in panel.lines)
        assert bool(quantiles) == (panel.metric.kind is MetricKind.HISTOGRAM)


def test_every_metric_has_a_panel_and_no_two_panels_lie_on_each_other():
    placed = dashboard()["panels"]
    spots = {(one["gridPos"]["x"], one["gridPos"]["y"]) for one in placed}

    assert {panel.metric.name for panel in panels()} == set(METRICS)
    assert len(spots) == len(placed) == len(METRICS)
    assert len({one["id"] for one in placed}) == len(placed)


def test_the_file_is_json_that_asks_for_its_data_source():
    found = json.loads(FILE.read_text())

    assert {one["datasource"]["uid"] for one in found["panels"]} == {"${source}"}
    assert [one["name"] for one in found["templating"]["list"]] == ["source"]
