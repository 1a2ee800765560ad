"""The one place that turns an event into a log line."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from django_jobqueue.core.error_text import storable_text
from django_jobqueue.core.specs import ClaimedJob, JobFilter, Transition, WorkerIdentity
from django_jobqueue.worker.telling import Outcomes

from .catalogue import EVENTS, UNKNOWN

logger = logging.getLogger("django_jobqueue")

VALUE_LENGTH = 300
_PLAIN = re.compile(r"[\w.,:;@/+*#()\[\]-]+", re.ASCII)


def log_event(name: str, facts: Mapping[str, object]) -> None:
    """Subscribe this to an EventBus: each event becomes one line, `job.dead job=7 queue=mail …`.

    The same facts are on the record as `jobqueue`, for formatters that write JSON. Arguments and
    results of jobs are never among them.
    """
    told = dict(_told(facts))
    line = " ".join([_escaped(name), *(f"{key}={value}" for key, value in told.items())])
    logger.log(_level(name), "%s", line, extra={"jobqueue": {"event": name, **told}})


def is_logged(name: str) -> bool:
    """Whether a line would come of this event."""
    return logger.isEnabledFor(_level(name))


def _level(name: str) -> int:
    return EVENTS.get(name, UNKNOWN).level


def _told(facts: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, fact in facts.items():
        if (tell := _TELLERS.get(type(fact))) is not None:
            yield from tell(key, fact)
        elif isinstance(fact, BaseException):
            yield key, _escaped(f"{type(fact).__qualname__}: {storable_text(fact)}")
        elif fact is not None and fact != "":
            yield key, _escaped(fact)


def _tell_job(key: str, job: ClaimedJob) -> Iterator[tuple[str, str]]:
    yield key, str(job.id)
    yield "handler", _escaped(job.handler)
    yield "queue", _escaped(job.queue)
    yield "attempt", f"{job.attempt}/{job.max_attempts}"


def _tell_transition(key: str, transition: Transition) -> Iterator[tuple[str, str]]:
    yield "state", transition.state.value
    if transition.reason is not None:
        yield "reason", transition.reason.value
    if transition.error is not None:
        yield "error", _escaped(_message_of(transition.error))


def _tell_worker(key: str, worker: WorkerIdentity) -> Iterator[tuple[str, str]]:
    yield key, str(worker.id)
    yield "host", _escaped(worker.host)
    yield "pid", str(worker.pid)


def _tell_outcomes(key: str, outcomes: Outcomes) -> Iterator[tuple[str, str]]:
    yield "count", str(len(outcomes.finished))


def _tell_seconds(key: str, seconds: float) -> Iterator[tuple[str, str]]:
    yield key, str(round(seconds, 6))


def _tell_filter(key: str, wanted: JobFilter) -> Iterator[tuple[str, str]]:
    for field in wanted.__struct_fields__:
        if (value := getattr(wanted, field)) is not None:
            yield f"{key}_{field}", _escaped(value)


_TELLERS: Mapping[type, Callable[[str, Any], Iterator[tuple[str, str]]]] = {
    ClaimedJob: _tell_job,
    Transition: _tell_transition,
    WorkerIdentity: _tell_worker,
    JobFilter: _tell_filter,
    Outcomes: _tell_outcomes,
    float: _tell_seconds,
}


def _message_of(error: str) -> str:
    """The type and message in the JSON of a stored error, without the fields, which are data."""
    try:
        stored = msgspec.json.decode(error)
        return f"{stored['type']}: {stored['message']}"
    except (msgspec.DecodeError, KeyError, TypeError):
        return "unreadable"


def _escaped(value: object) -> str:
    """One word, or a quoted text in which every control character is spelt: it forges no line."""
    text = storable_text(value, VALUE_LENGTH)
    return text if _PLAIN.fullmatch(text) else repr(text)
