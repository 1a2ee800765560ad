"""What tests of spans share."""

from collections.abc import Callable
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan

from django_jobqueue.events import events
from tests.worker.site import Site

Spans = Callable[[str], list[ReadableSpan]]


def work(site: Site) -> None:
    """Run a worker until nothing is due, one sync job after another."""
    site.work(options={"events": events}, concurrency=1)


def trace_ids(*spans: ReadableSpan) -> set[int]:
    return {span.context.trace_id for span in spans}


def a_request() -> Any:
    """The span that a web framework would have around its view."""
    return trace.get_tracer("tests").start_as_current_span("GET /")
