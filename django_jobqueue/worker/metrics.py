"""The numbers of one worker as text, in the exposition format of Prometheus:
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from django_jobqueue.events import EventBus
from django_jobqueue.service import ServiceTask

from .standing import Standing

#: Each is followed by the start of another child.
_REPLACED = ("child.died", "child.retires")
_EVENT_NAME = re.compile(r"[a-z_.]+")


class Metrics(Protocol):
    """What the metrics of a worker say, and where the numbers come from."""

    def tasks(self) -> Sequence[ServiceTask]:
        """Return what has to run beside the worker."""
        ...

    def listening(self, events: EventBus) -> AbstractContextManager[None]:
        """Surround the life of the worker, whose events are counted."""
        ...

    def exposition(self, standing: Standing) -> str:
        """Return the text of `/metrics`."""
        ...


class PlainMetrics:
    """What needs no package: how the worker stands, and how often each event happened."""

    def __init__(self) -> None:
        self._counts = EventCounts()

    def tasks(self) -> Sequence[ServiceTask]:
        return ()

    @contextmanager
    def listening(self, events: EventBus) -> Iterator[None]:
        events.subscribe(self._counts)
        try:
            yield
        finally:
            events.unsubscribe(self._counts)

    def exposition(self, standing: Standing) -> str:
        return exposition(standing, self._counts.so_far())


MetricsMaker = Callable[[], Metrics | None]
_makers: list[MetricsMaker] = []


def provide_metrics(make: MetricsMaker) -> None:
    """Have workers ask `make` for their metrics; where it returns None, they are plain ones."""
    _makers[:] = [make]


def metrics_of_site() -> Metrics:
    """Return what a worker of this site exposes."""
    for make in _makers:
        if (made := make()) is not None:
            return made
    return PlainMetrics()


class EventCounts:
    """Subscribed to an EventBus: counts events by name, and keeps nothing of their facts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def __call__(self, name: str, facts: Mapping[str, object]) -> None:
        with self._lock:
            self._counts[name] += 1

    def so_far(self) -> dict[str, int]:
        """Return how often each event happened."""
        with self._lock:
            return dict(self._counts)


def exposition(standing: Standing, counts: Mapping[str, int]) -> str:
    """Return the text of `/metrics`."""
    return "".join(f"{line}\n" for line in _lines(standing, counts))


def _lines(standing: Standing, counts: Mapping[str, int]) -> Iterator[str]:
    yield from _family("ready", "gauge", "Whether the worker claims and runs jobs.")
    yield f"jobqueue_ready {int(standing.why_not_ready is None)}"
    yield from _family("processes", "gauge", "Processes that claim jobs, by what they do.")
    for state in ("starting", "polling", "retiring"):
        yield f'jobqueue_processes{{state="{state}"}} {getattr(standing, state)}'
    if standing.heartbeat_age is not None:
        yield from _family("heartbeat_age_seconds", "gauge", "Age of the oldest heartbeat.")
        yield f"jobqueue_heartbeat_age_seconds {standing.heartbeat_age:.3f}"
    yield from _family("restarts_total", "counter", "Child processes that were replaced.")
    yield f"jobqueue_restarts_total {sum(counts.get(name, 0) for name in _REPLACED)}"
    yield from _family("events_total", "counter", "Events in this process, by name.")
    for name, count in sorted(counts.items()):
        if _EVENT_NAME.fullmatch(name):  # a site may emit what it likes
            yield f'jobqueue_events_total{{event="{name}"}} {count}'


def _family(name: str, kind: str, told: str) -> Iterator[str]:
    yield f"# HELP jobqueue_{name} {told}"
    yield f"# TYPE jobqueue_{name} {kind}"
