"""Django signals of what becomes of jobs, fed by the events of this process.

    from django_jobqueue.signals import dead

    @receiver(dead)
    def tell_somebody(sender, *, job_id, handler, error, **about): ...

Every signal bears `job_id`, `handler` and `queue` (names; empty where only the id is known) and
`attempt`, besides what is said of each below. The sender is None. A receiver that raises is logged
and changes nothing. A signal is sent in the process and thread where it happened: `enqueued`, and
`cancelled` of a job that waited, in the caller's transaction, before its commit; `started` where
the handler will run; `rescued` where somebody saw that a worker was dead; all others after their
commit, one after the other, by a thread of the worker that does nothing else. Receivers that are
500 jobs or a second behind hold up the worker; when it ends, they have as long as its jobs.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from django.dispatch import Signal

from .core.specs import ClaimedJob, Transition
from .core.states import JobState

enqueued: Signal = Signal()  #: a job was stored
started: Signal = Signal()  #: a handler is about to be called
succeeded: Signal = Signal()  #: `result`: what was stored of its answer
#: `error`: an attempt failed, whatever follows; type, message, perhaps fields
failed: Signal = Signal()
#: `error`; `delay` in seconds, `run_at`: it will run again after a failure
retrying: Signal = Signal()
snoozed: Signal = Signal()  #: `delay` in seconds, `run_at`: it will run again, no attempt spent
cancelled: Signal = Signal()  #: `error`: None, or why
dead: Signal = Signal()  #: `reason`: a DeathReason; `error`
rescued: Signal = Signal()  #: `cause`: its worker died, and somebody else may run it

Sent = tuple[Signal, dict[str, Any]]

_OF_EVENTS: Mapping[str, tuple[Signal, ...]] = {
    "job.enqueued": (enqueued,),
    "job.started": (started,),
    "job.succeeded": (succeeded,),
    "job.rescheduled": (failed, retrying, snoozed, rescued),
    "job.cancelled": (cancelled,),
    "job.cancelled_waiting": (cancelled,),
    "job.dead": (failed, dead),
    "worker.reaped": (rescued,),
    "worker.released": (rescued,),
}


def has_receivers(event: str) -> bool:
    """Whether anybody receives a signal of this event."""
    # A plain loop: it is asked for each job, and `any` would make a generator.
    for signal in _OF_EVENTS.get(event, ()):  # noqa: SIM110
        if signal.receivers:
            return True
    return False


def send_signals(event: str, facts: Mapping[str, Any]) -> None:
    """Subscribe this to an EventBus: send the signals of an event."""
    for signal, about in _sent_of(event, facts):
        signal.send_robust(sender=None, **about)


def _sent_of(event: str, facts: Mapping[str, Any]) -> Iterable[Sent]:
    if "job_ids" in facts:
        cause = facts.get("cause", "its lease was over")
        return [(rescued, {**_about(job_id), "cause": cause}) for job_id in facts["job_ids"]]
    about = _about_job(facts)
    transition = facts.get("transition")
    if isinstance(transition, Transition):
        return _sent_of_transition(transition, about)
    [signal] = _OF_EVENTS[event]
    if signal is cancelled:
        about["error"] = None
    return ((signal, about),)


def _sent_of_transition(transition: Transition, about: dict[str, Any]) -> Iterable[Sent]:
    if transition.state is JobState.SUCCEEDED:
        about["result"] = _decoded(transition.result)
        return ((succeeded, about),)
    return _sent_without_success(transition, about)


def _sent_without_success(transition: Transition, about: dict[str, Any]) -> Iterator[Sent]:
    error = _decoded(transition.error)
    has_failed = transition.report is not None and transition.report.outcome == "failed"
    if has_failed:
        yield failed, {**about, "error": error}
    match transition.state:
        case JobState.CANCELLED:
            yield cancelled, {**about, "error": error}
        case JobState.DEAD:
            yield dead, {**about, "reason": transition.reason, "error": error}
        case _:
            again = {"delay": transition.delay, "run_at": transition.run_at}
            if transition.rescue_change:
                yield rescued, {**about, "cause": (error or {}).get("message", "")}
            elif has_failed:
                yield retrying, {**about, "error": error, **again}
            elif transition.reprocess_change:
                yield snoozed, {**about, **again}


def _about_job(facts: Mapping[str, Any]) -> dict[str, Any]:
    job = facts.get("job")
    if isinstance(job, ClaimedJob):
        return _about(job.id, job.handler, job.queue, job.attempt)
    return _about(facts["job_id"], facts["handler"], facts["queue"])


def _about(job_id: int, handler: str = "", queue: str = "", attempt: int = 0) -> dict[str, Any]:
    return {"job_id": job_id, "handler": handler, "queue": queue, "attempt": attempt}


def _decoded(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)
