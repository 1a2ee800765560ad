"""The catalogue of events, and what is emitted and documented."""

import ast
import logging
import re
from collections.abc import Iterator
from pathlib import Path

from django_jobqueue.observability.catalogue import EVENTS
from django_jobqueue.observability.definitions import METRICS, MetricKind
from django_jobqueue.worker.telling import EVENTS as OF_OUTCOMES
from django_jobqueue.worker.telling import RESCHEDULED

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "django_jobqueue"
NAME = re.compile(r"[a-z_]+\.[a-z_]+")


def names_in(tree: ast.AST) -> Iterator[str]:
    """Each name that stands where the name of an event is chosen or used."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            wanted = {"emit": node.args[:1], "emit_to": node.args[1:2]}.get(node.func.attr, [])
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            wanted = [node.value] if node.targets[0].id in ("name", "event") else []
        else:
            continue
        for one in wanted:
            yield from (
                part.value
                for part in ast.walk(one)
                if isinstance(part, ast.Constant)
                and isinstance(part.value, str)
                and NAME.fullmatch(part.value)
            )


def emitted() -> set[str]:
    trees = (ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py"))
    found = {name for tree in trees for name in names_in(tree)}
    return found | set(OF_OUTCOMES.values()) | {RESCHEDULED}


def test_every_event_is_in_the_catalogue_and_nothing_else():
    assert sorted(emitted()) == sorted(EVENTS)


def test_every_event_is_documented_at_its_level_and_in_its_words():
    text = (ROOT / "docs/observability.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| ([A-Z]+) \| (.+) \|$", text, re.MULTILINE)

    assert rows == [
        (name, logging.getLevelName(event.level), event.told) for name, event in EVENTS.items()
    ]


def test_every_metric_is_documented_with_its_labels_and_in_its_words():
    text = (ROOT / "docs/observability.md").read_text()
    rows = re.findall(r"^\| `(jobqueue_\w+)(?:\{(.+)\})?` \| (\w+) \| (.+) \|$", text, re.MULTILINE)

    assert rows == [
        (metric.name, ", ".join(metric.labels), metric.kind, metric.told)
        for metric in METRICS.values()
    ]


def test_a_name_says_what_kind_of_metric_it_is():
    for metric in METRICS.values():
        assert metric.name.endswith("_total") == (metric.kind is MetricKind.COUNTER)
        assert bool(metric.bounds) == (metric.kind is MetricKind.HISTOGRAM)
        assert list(metric.bounds) == sorted(metric.bounds)
