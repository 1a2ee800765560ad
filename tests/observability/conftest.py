"""What a test sees of the spans of this process."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest
from django.test import override_settings
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@cache
def exporter_of_process() -> InMemorySpanExporter:
    """A process has one provider for good; nothing is traced but where a test asks for it."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def spans() -> Iterator[Callable[[str], list[ReadableSpan]]]:
    """With tracing on: return the finished spans of that name, in the order of their ends."""
    exporter = exporter_of_process()
    exporter.clear()
    with override_settings(JOBQUEUE={"TRACING": True}):
        yield lambda name: [span for span in exporter.get_finished_spans() if span.name == name]
    exporter.clear()
