"""From what a handler answered, or what happened to it, to what is written for its job."""

import asyncio

import msgspec

from django_jobqueue.core.backoff import Backoff
from django_jobqueue.core.error_text import describe_error
from django_jobqueue.core.errors import (
    JobCancelled,
    JobReleased,
    LeaseLost,
    ProcessDied,
    ProcessNotStarted,
)
from django_jobqueue.core.grace import without_note
from django_jobqueue.core.outcomes import (
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
from django_jobqueue.core.specs import AttemptReport, FinishedJob, Transition
from django_jobqueue.core.transitions import decide

from .admission import Policies
from .hands import HeldJob

#: What a handler may return or raise to say more than a value or an exception does.
ANSWERS = (Succeed, Retry, Snooze, Cancel, Discard, Unprocessable)

#: What most handlers answer; one for all, as it holds nothing.
_DONE = Succeed()

#: When to try again where no process could be started for a job.
NOT_STARTED_SECONDS = 10.0


def outcome_of_result(result: object) -> Outcome:
    """Return what a handler answered by returning `result`."""
    if result is None:
        return _DONE
    return result if isinstance(result, ANSWERS) else Succeed(result)


class Answers:
    """What is written for a job that ran, or was about to."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    def outcome_of_error(self, error: BaseException, held: HeldJob) -> Outcome:
        """Return what `error` says that a handler has raised, or that was raised in it."""
        if isinstance(error, ANSWERS):
            return error
        if isinstance(error, JobCancelled):
            return Cancel(str(error))
        if isinstance(error, asyncio.CancelledError):
            if held.is_cancelled:
                return Cancel(JobCancelled.message)
            if held.interrupted:
                return Release(JobReleased.message)
        if isinstance(error, JobReleased) or held.interrupted_because is JobReleased:
            # Whatever it makes of the interrupt is not its own failure.
            return Release(JobReleased.message)
        if isinstance(error, LeaseLost):
            return Release(str(error))
        if isinstance(error, ProcessDied):
            return Rescue(error.cause)
        if isinstance(error, ProcessNotStarted):
            return Release(str(error), NOT_STARTED_SECONDS)
        retryable = self._policies.of(held.handler).is_worth_retrying(error)
        return Fail(describe_error(error), retryable)

    def backoff_seconds(self, held: HeldJob) -> float:
        """Return how long a job waits at least that is not to run now."""
        return self._policies.backoff_of(held.handler, held.job).seconds(held.job.attempt)

    def finished(
        self, held: HeldJob, outcome: Outcome, *, backoff: Backoff | None = None
    ) -> FinishedJob:
        """Return what to write because of `outcome`, with the lines that the run has logged."""
        job, handler = held.job, held.handler
        # Who waits for a job, and its batch, learn from its record what became of it.
        keep = handler.keep or job.has_next or job.batch_id is not None
        if backoff is None:
            backoff = self._backoff_after(outcome, held)
        transition = decide(job, outcome, backoff, keep=keep)
        if held.is_cancelled and not transition.state.is_final:
            transition = decide(job, Cancel(JobCancelled.message), backoff)
        if held.context is not None:
            transition = with_log(transition, held.context.log_lines)
        if job.error is not None and held.has_started:
            transition = without_note(job, transition)
        return held.finished(transition)

    def _backoff_after(self, outcome: Outcome, held: HeldJob) -> Backoff:
        if isinstance(outcome, Succeed):  # nobody will ask it
            return self._policies.defaults.backoff
        return self._policies.backoff_of(held.handler, held.job)

    def failed(self, held: HeldJob, error: BaseException) -> FinishedJob:
        """Return what to write for an answer that nothing can be made of."""
        # Of the job itself as little as can be asked: something about it raised.
        backoff = self._policies.defaults.backoff
        return self.finished(held, Fail(describe_error(error)), backoff=backoff)


def unspent(finished: FinishedJob) -> FinishedJob:
    """The handler was not called: the attempt that the claim charged is given back."""
    transition = msgspec.structs.replace(finished.transition, attempt_change=-1)
    return msgspec.structs.replace(finished, transition=transition)


def with_log(transition: Transition, lines: list[str]) -> Transition:
    """Keep the lines that the handler logged with its attempt, a success included."""
    if not lines:
        return transition
    log = msgspec.json.encode(lines).decode()
    report = transition.report or AttemptReport(outcome=transition.state.value)
    return msgspec.structs.replace(transition, report=msgspec.structs.replace(report, log=log))
