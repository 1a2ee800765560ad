"""The two spans of a job, by the semantic conventions for messaging; needs the extra `otel`.

https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from django_jobqueue import __version__
from django_jobqueue.core.error_text import storable_text, type_name
from django_jobqueue.core.errors import JobCancelled, JobReleased, LeaseLost
from django_jobqueue.core.outcomes import Answer, Discard, Retry, Unprocessable
from django_jobqueue.core.specs import ClaimedJob, NewJob

#: Where the meta of a job keeps the context of its enqueue: {"traceparent": "00-…"}.
META_KEY = "trace"
SYSTEM = "django_jobqueue"
_tracer = trace.get_tracer("django_jobqueue", __version__)
#: What a job keeps is ours alone, so the site's choice of propagators has no say in it.
_propagator = TraceContextTextMapPropagator()
#: Answers that are failures of the run, and interrupts that are not.
_FAILURES = (Retry, Discard, Unprocessable)
_NO_FAILURES = (JobCancelled, JobReleased, LeaseLost)


@contextmanager
def enqueueing(facts: dict[str, Any]) -> Iterator[None]:
    """One span for the jobs of one call, whose context all of them keep."""
    jobs: Sequence[NewJob] = facts["jobs"]
    queues = dict.fromkeys(new.queue for new in jobs)
    attributes = _attributes("send", next(iter(queues)) if len(queues) == 1 else None)
    if len(jobs) > 1:
        attributes["messaging.batch.message_count"] = len(jobs)
    if len({new.handler for new in jobs}) == 1:
        attributes["jobqueue.handler"] = jobs[0].handler
    with _span(attributes, kind=SpanKind.PRODUCER) as span:
        if context := _context_to_keep():
            facts["meta"] = {META_KEY: context}
        yield
        answers = facts.get("answers")
        if isinstance(answers, Sequence) and len(answers) == 1:
            span.set_attribute("messaging.message.id", str(answers[0].id))


@contextmanager
def running(facts: dict[str, Any]) -> Iterator[None]:
    """One span for one run, in the trace of its enqueue."""
    job: ClaimedJob = facts["job"]
    attributes = _attributes("process", job.queue) | {
        "messaging.message.id": str(job.id),
        "jobqueue.handler": job.handler,
        "jobqueue.attempt": job.attempt,
    }
    with _span(attributes, kind=SpanKind.CONSUMER, context=_context_of(job)) as span:
        yield
        _tell_answer(span, facts.get("outcome"))


@contextmanager
def _span(
    attributes: Mapping[str, Any], *, kind: SpanKind, context: Context | None = None
) -> Iterator[Span]:
    about = (attributes["messaging.operation.name"], attributes.get("messaging.destination.name"))
    with _tracer.start_as_current_span(
        " ".join(filter(None, about)),
        context=context,
        kind=kind,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            _tell_error(span, error)
            raise


def _attributes(operation: str, queue: str | None) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "messaging.system": SYSTEM,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
    }
    return attributes if queue is None else attributes | {"messaging.destination.name": queue}


def _context_to_keep() -> dict[str, str]:
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier


def _context_of(job: ClaimedJob) -> Context:
    if f'"{META_KEY}"' not in job.meta:
        return Context()
    kept = msgspec.json.decode(job.meta).get(META_KEY)
    carrier = kept if isinstance(kept, Mapping) else {}
    texts = {key: value for key, value in carrier.items() if isinstance(value, str)}
    return _propagator.extract(texts, context=Context())


def _tell_error(span: Span, error: BaseException) -> None:
    if isinstance(error, Answer):
        _tell_answer(span, error)
    elif isinstance(error, _NO_FAILURES):
        span.set_attribute("jobqueue.outcome", type(error).__name__)
    else:
        _tell_failure(span, error, storable_text(error))
        span.record_exception(error)


def _tell_answer(span: Span, outcome: object) -> None:
    span.set_attribute("jobqueue.outcome", type(outcome).__name__)
    if isinstance(outcome, _FAILURES):
        _tell_failure(span, outcome, outcome.reason)


def _tell_failure(span: Span, error: BaseException, why: str) -> None:
    span.set_attribute("error.type", type_name(type(error)))
    span.set_status(Status(StatusCode.ERROR, why))
