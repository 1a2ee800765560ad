"""What becomes of a job of a memory queue, by what its handler answered; decided, not done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django_jobqueue.core.clock import seconds_of
from django_jobqueue.core.error_text import describe_error, storable_text
from django_jobqueue.core.outcomes import Answer, Discard, Retry, Snooze, Unprocessable
from django_jobqueue.core.retry import RetryPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The job is over, and nothing is kept of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """It waits for so many seconds, with so many attempts spent, and goes to the end of the queue.

    `error` is what it would die of, if it may not wait any more.
    """

    seconds: float
    attempt: int
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """It will not run again."""

    error: str


Verdict = Done | Again | Dead


def verdict_on(
    answer: object,
    error: BaseException | None,
    *,
    attempt: int,
    policy: RetryPolicy,
    now: Callable[[], datetime],
) -> Verdict:
    """Judge run number `attempt` by what the handler returned, or by what it raised."""
    match error if isinstance(error, Answer) else answer:
        case Discard(reason=reason) | Unprocessable(reason=reason):
            return Dead(error=handler_error(reason))
        case Snooze() as snooze:
            seconds = max(policy.backoff.seconds(attempt), _asked_for(snooze, now))
            return Again(seconds=seconds, attempt=attempt - 1)
        case Retry() as retry if attempt < policy.attempts_allowed:
            asked = _asked_for(retry, now)
            seconds = asked if retry.exact else max(policy.backoff.seconds(attempt), asked)
            told = handler_error(retry.reason or "Retry")
            return Again(seconds=seconds, attempt=attempt, error=told)
        case Retry(reason=reason):
            return Dead(error=handler_error(reason or "Retry"))
    if error is None or isinstance(error, Answer):  # Succeed, Cancel and plain values
        return Done()
    return _on_failure(error, attempt=attempt, policy=policy)


def handler_error(reason: object) -> str:
    """Return the error of a dead letter whose handler is to blame."""
    return f"job handler error: {storable_text(reason)}"


def _on_failure(error: BaseException, *, attempt: int, policy: RetryPolicy) -> Verdict:
    described = describe_error(error)
    told = handler_error(described.message or described.type)
    if attempt < policy.attempts_allowed and policy.is_worth_retrying(error):
        return Again(seconds=policy.backoff.seconds(attempt), attempt=attempt, error=told)
    return Dead(error=told)


def _asked_for(later: Retry | Snooze, now: Callable[[], datetime]) -> float:
    """Return how many seconds the handler wants to wait."""
    if later.at is not None:
        return (later.at - now()).total_seconds()
    return 0.0 if later.delay is None else seconds_of(later.delay)
