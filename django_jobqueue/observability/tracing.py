"""Spans from enqueue to run for OpenTelemetry, where JOBQUEUE["TRACING"] asks for them.

What needs the extra `otel` is imported when the first span is wanted.
"""

from contextlib import AbstractContextManager
from typing import Any

from django_jobqueue import conf

from .extras import is_installed

TRACED = frozenset({"job.run", "jobs.enqueue"})


def is_traced(name: str) -> bool:
    """Whether this site wants the span, and can have it."""
    return name in TRACED and conf.current().tracing and is_installed("opentelemetry")


def span_of(name: str, facts: dict[str, Any]) -> AbstractContextManager[None]:
    """Subscribe this to the spans of an EventBus."""
    from .spans import enqueueing, running  # the extra may be missing where nobody traces

    return running(facts) if name == "job.run" else enqueueing(facts)
