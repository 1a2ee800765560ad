"""What this layer hears of a process, and what it gives the layers below."""

from django_jobqueue.events import EventBus
from django_jobqueue.worker.metrics import provide_metrics

from .exposing import metrics_of_worker
from .logs import is_logged, log_event
from .measuring import Measuring, is_measured
from .tracing import is_traced, span_of


def observe(events: EventBus) -> None:
    """Subscribe logs, metrics and traces; what the settings do not ask for hears nothing."""
    events.subscribe(log_event, wants=is_logged)
    events.subscribe(Measuring(), wants=is_measured)
    events.subscribe_span(span_of, wants=is_traced)
    provide_metrics(metrics_of_worker)
