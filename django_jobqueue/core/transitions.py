"""Deciding what is written because of an outcome: pure, so that every branch is tested without a
database.
"""

from typing import assert_never

import msgspec

from django_jobqueue.core.backoff import Backoff
from django_jobqueue.core.clock import Seconds, seconds_of
from django_jobqueue.core.error_text import ErrorDescription, storable_text
from django_jobqueue.core.outcomes import (
    Bury,
    Cancel,
    Discard,
    Fail,
    Outcome,
    Release,
    Rescue,
    Retry,
    Snooze,
    Succeed,
    Unprocessable,
)
from django_jobqueue.core.payloads import dump_result
from django_jobqueue.core.specs import WORKER_DIED, AttemptReport, ClaimedJob, Transition
from django_jobqueue.core.states import DeathReason, JobState

MESSAGE_LIMIT = 2_000
#: What is written for most jobs: they succeeded, and answered nothing.
SUCCEEDED = Transition(state=JobState.SUCCEEDED)
_SUCCEEDED_UNKEPT = Transition(state=JobState.SUCCEEDED, keep=False)


def decide(job: ClaimedJob, outcome: Outcome, backoff: Backoff, *, keep: bool = True) -> Transition:
    """Return what to write for `job` because of `outcome`; `keep=False` drops the record of a
    success.
    """
    match outcome:
        case Succeed(result=None):
            return SUCCEEDED if keep else _SUCCEEDED_UNKEPT
        case Succeed(result=result):
            text, _ = dump_result(result)
            return Transition(state=JobState.SUCCEEDED, result=text, keep=keep)
        case Fail() | Retry():
            return _retried(job, outcome, backoff)
        case Snooze():
            return _snoozed(job, outcome, backoff)
        case Release() | Rescue():
            return _given_back(outcome)
        case Cancel(reason=reason):
            return _cancelled(reason)
        case Discard(reason=reason):
            return _dead(DeathReason.DISCARDED, "Discard", reason)
        case Unprocessable():
            return _unprocessable(outcome)
        case Bury(reason=death, message=message):
            # It never ran under this claim, which had charged an attempt.
            return _dead(death, "", message, attempt_change=-1)
        case _:
            assert_never(outcome)


def _snoozed(job: ClaimedJob, snooze: Snooze, backoff: Backoff) -> Transition:
    return Transition(
        state=JobState.SCHEDULED,
        delay=max(_seconds(snooze.delay), backoff.seconds(job.attempt)),
        run_at=snooze.at,
        attempt_change=-1,
        reprocess_change=1,
        report=AttemptReport(outcome="snoozed"),
    )


def _given_back(outcome: Release | Rescue) -> Transition:
    if isinstance(outcome, Release):
        return Transition(
            state=JobState.SCHEDULED if outcome.delay > 0 else JobState.READY,
            delay=outcome.delay,
            attempt_change=-1,
            keeps_place=outcome.delay <= 0,
            report=AttemptReport(outcome="released", message=_short(outcome.reason)),
        )
    cause = _short(outcome.cause)
    return Transition(
        state=JobState.READY,
        attempt_change=-1,
        reprocess_change=1,
        rescue_change=1,
        error=_error_json(WORKER_DIED, cause),
        report=AttemptReport(outcome="rescued", error_type=WORKER_DIED, message=cause),
    )


def _cancelled(reason: str) -> Transition:
    short = _short(reason)
    return Transition(
        state=JobState.CANCELLED,
        error=_error_json("Cancel", short),
        report=AttemptReport(outcome="cancelled", message=short),
    )


def _retried(job: ClaimedJob, outcome: Fail | Retry, backoff: Backoff) -> Transition:
    if isinstance(outcome, Fail):
        described, delay, at, exact = outcome.error, None, None, False
    else:
        described = ErrorDescription(type="Retry", message=_short(outcome.reason))
        delay, at, exact = outcome.delay, outcome.at, outcome.exact
    error, report = _describe(described)
    if isinstance(outcome, Fail) and not outcome.retryable:
        return Transition(
            state=JobState.DEAD, reason=DeathReason.DISCARDED, error=error, report=report
        )
    if job.is_last_attempt or not backoff.allows_retry:
        return Transition(
            state=JobState.DEAD, reason=DeathReason.EXHAUSTED, error=error, report=report
        )
    wait = _seconds(delay)
    if not exact or (delay is None and at is None):
        wait = max(wait, backoff.seconds(job.attempt))
    return Transition(
        state=JobState.SCHEDULED if wait > 0 or at is not None else JobState.READY,
        delay=wait,
        run_at=at,
        error=error,
        report=report,
    )


def _unprocessable(outcome: Unprocessable) -> Transition:
    reason = DeathReason.UNPROCESSABLE
    if outcome.error is None:
        return _dead(reason, "Unprocessable", outcome.reason)
    error, report = _describe(outcome.error, outcome=reason.value)
    return Transition(state=JobState.DEAD, reason=reason, error=error, report=report)


def _describe(described: ErrorDescription, *, outcome: str = "failed") -> tuple[str, AttemptReport]:
    report = AttemptReport(
        outcome=outcome,
        error_type=described.type,
        message=described.message,
        traceback=described.traceback,
    )
    return _error_json(described.type, described.message, described.fields), report


def _dead(
    reason: DeathReason, error_type: str, message: str, *, attempt_change: int = 0
) -> Transition:
    short = _short(message)
    return Transition(
        state=JobState.DEAD,
        reason=reason,
        error=_error_json(error_type or reason.value, short),
        attempt_change=attempt_change,
        report=AttemptReport(outcome=reason.value, error_type=error_type, message=short),
    )


def _error_json(error_type: str, message: str, fields: object = None) -> str:
    error: dict[str, object] = {"type": error_type, "message": message}
    if fields:
        error["fields"] = fields
    return msgspec.json.encode(error).decode()


def _seconds(delay: Seconds | None) -> float:
    return 0.0 if delay is None else seconds_of(delay)


def _short(text: object) -> str:
    return storable_text(text, MESSAGE_LIMIT)
