"""The one place that turns an event into a log line."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from django_jobqueue.core.error_text import storable_text
from django_jobqueue.core.specs import ClaimedJob, JobFilter, Transition, WorkerIdentity

logger = logging.getLogger("django_jobqueue")

#: What happens to every job that works is DEBUG, what somebody should look at is WARNING or more.
LEVELS: Mapping[str, int] = {
    "job.cancelled_waiting": logging.DEBUG,
    "job.deduplicated": logging.DEBUG,
    "job.enqueued": logging.DEBUG,
    "job.permit_refused": logging.DEBUG,
    "job.replaced": logging.DEBUG,
    "job.started": logging.DEBUG,
    "job.succeeded": logging.DEBUG,
    "jobs.promoted": logging.DEBUG,
    "jobs.unblocked": logging.DEBUG,
    "jobs.spooled": logging.DEBUG,
    "listener.hears": logging.DEBUG,
    "records.pruned": logging.DEBUG,
    "schedule.fired": logging.DEBUG,
    "job.cleaning_failed": logging.WARNING,
    "child.died": logging.WARNING,
    "child.orphaned": logging.WARNING,
    "job.finish_was_stale": logging.WARNING,
    "job.given_up": logging.WARNING,
    "job.overdue": logging.WARNING,
    "job.killed": logging.WARNING,
    "job_process.died": logging.WARNING,
    "job_process.not_started": logging.WARNING,
    "job.permit_failed": logging.WARNING,
    "job.progress_lost": logging.WARNING,
    "database.snapshot_held": logging.WARNING,
    "enqueue.database_failed": logging.WARNING,
    "listener.deaf": logging.WARNING,
    "outcomes.dropped": logging.WARNING,
    "outcomes.spooled": logging.WARNING,
    "loop.blocked": logging.WARNING,
    "pump.database_failed": logging.WARNING,
    "spool.conflict": logging.WARNING,
    "spool.flush_failed": logging.WARNING,
    "worker.left_silently": logging.WARNING,
    "worker.clock_differs": logging.WARNING,
    "worker.reaped": logging.WARNING,
    "worker.reconciled": logging.WARNING,
    "worker.released": logging.WARNING,
    "worker.waits": logging.WARNING,
    "job.dead": logging.ERROR,
    "job.outcome_refused": logging.ERROR,
    "schedule.disabled": logging.ERROR,
    "schedule.refused": logging.ERROR,
    "spool.entry_refused": logging.ERROR,
    "worker.declared_dead": logging.ERROR,
}
VALUE_LENGTH = 300
_PLAIN = re.compile(r"[\w.,:;@/+*#()\[\]-]+", re.ASCII)


def log_event(name: str, facts: Mapping[str, object]) -> None:
    """Subscribe this to an EventBus: each event becomes one line, `job.dead job=7 queue=mail …`.

    The same facts are on the record as `jobqueue`, for formatters that write JSON. Arguments and
    results of jobs are never among them.
    """
    told = dict(_told(facts))
    line = " ".join([name, *(f"{key}={value}" for key, value in told.items())])
    logger.log(_level(name), "%s", line, extra={"jobqueue": {"event": name, **told}})


def is_logged(name: str) -> bool:
    """Whether a line would come of this event."""
    return logger.isEnabledFor(_level(name))


def _level(name: str) -> int:
    return LEVELS.get(name, logging.INFO)


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


def _tell_filter(key: str, wanted: JobFilter) -> Iterator[tuple[str, str]]:
    for field in wanted.__struct_fields__:
        if (value := getattr(wanted, field)) is not None:
            yield f"{key}_{field}", _escaped(value)


_TELLERS: Mapping[type, Callable[[str, Any], Iterator[tuple[str, str]]]] = {
    ClaimedJob: _tell_job,
    Transition: _tell_transition,
    WorkerIdentity: _tell_worker,
    JobFilter: _tell_filter,
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
