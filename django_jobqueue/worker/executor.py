"""One job that may run, to its transition: its arguments, the handler, what it answered."""

import asyncio
import contextvars
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import msgspec
from asgiref.sync import sync_to_async

from django_jobqueue.core.backoff import Backoff
from django_jobqueue.core.error_text import describe_error
from django_jobqueue.core.errors import (
    InvalidArguments,
    JobCancelled,
    JobInterrupt,
    JobTimedOut,
    LeakedTransaction,
    LeaseLost,
    PayloadError,
)
from django_jobqueue.core.grace import without_note
from django_jobqueue.core.outcomes import (
    Cancel,
    Discard,
    Fail,
    Outcome,
    Release,
    Retry,
    Snooze,
    Succeed,
    Unprocessable,
)
from django_jobqueue.core.specs import AttemptReport, FinishedJob, Transition
from django_jobqueue.core.transitions import decide
from django_jobqueue.events import EventBus
from django_jobqueue.jobs.context import JobContext

from .admission import Policies
from .hands import HeldJob
from .hygiene import close_connections
from .marks import NO_MARKS, Marks
from .timeouts import LATEST_START_SECONDS, TimeoutWatch, bounded

#: What a handler may return or raise to say more than a value or an exception does.
ANSWERS = (Succeed, Retry, Snooze, Cancel, Discard, Unprocessable)

ContextMaker = Callable[[HeldJob], JobContext]
Report = Callable[[HeldJob, FinishedJob], None]


def _nobody_listens(held: HeldJob, finished: FinishedJob) -> None:
    raise RuntimeError("an executor needs reports_to() before it runs a job")


class Executor:
    """Runs held jobs. `perform` and `perform_async` never raise; what comes of a job goes to
    `report`.
    """

    def __init__(
        self,
        *,
        policies: Policies,
        make_context: ContextMaker,
        timeouts: TimeoutWatch,
        clean_thread: Callable[[], Sequence[str]],
        marks: Marks = NO_MARKS,
        events: EventBus,
        lease_in_doubt: Callable[[], bool] = lambda: False,
    ) -> None:
        self._policies, self._marks = policies, marks
        self._report: Report = _nobody_listens
        self._make_context, self._lease_in_doubt = make_context, lease_in_doubt
        self._timeouts, self._clean_thread, self._events = timeouts, clean_thread, events
        timeouts.gives_up_to(self._give_up)

    def reports_to(self, report: Report) -> None:
        """Say who is told what came of each job; before the first one runs."""
        self._report = report

    # The run.

    def perform(self, held: HeldJob) -> None:
        """Run a sync handler in this thread, and report."""
        held.place = self._marks.begin(held.job.id)
        try:
            finished = self._finished_before(held) or self._run(held)
        except BaseException as error:
            finished = self._failed(held, error)
        self._ended(held, finished)

    def _finished_before(self, held: HeldJob) -> FinishedJob | None:
        """What is written for a job that was cancelled, or may have been taken away, while it
        waited here.
        """
        if held.is_cancelled:
            return _unspent(self._finished(held, Cancel(JobCancelled.message)))
        if held.has_lost_lease or self._lease_in_doubt():
            return self._finished(held, Release(LeaseLost(held.job.id).args[0]))
        if held.job.timeout_seconds is not None and held.age_seconds >= LATEST_START_SECONDS:
            # Its deadline counts from the claim: reapers might take it away while it runs.
            return self._finished(held, Release("it waited too long for its start"))
        return None

    def _run(self, held: HeldJob) -> FinishedJob:
        _begin(held, self._events)
        context = self._context_for(held)
        try:
            outcome = contextvars.Context().run(self._call, held, context)
        except BaseException as error:
            outcome = self._outcome_of(error, held)
        left_open = self._clean_up(held)
        if left_open and isinstance(outcome, Succeed):
            outcome = self._outcome_of(LeakedTransaction(left_open), held)
        if context is not None:
            self._flush(context)
        return self._finished(held, outcome, context)

    def _clean_up(self, held: HeldJob) -> Sequence[str]:
        try:
            return self._clean_thread()
        except Exception as error:
            # Work that is done is not repeated because a connection could not be closed.
            self._events.emit("job.cleaning_failed", job=held.job, error=error)
            return ()

    def _call(self, held: HeldJob, context: JobContext | None) -> Outcome:
        args, kwargs = self._arguments(held, context)
        result = self._timeouts.run(held, partial(held.handler.function, *args, **kwargs))
        return result if isinstance(result, ANSWERS) else Succeed(result)

    async def perform_async(self, held: HeldJob) -> None:
        """Run an async handler in this loop, and report."""
        held.place = self._marks.begin(held.job.id)
        try:
            finished = self._finished_before(held) or await self._run_async(held)
        except BaseException as error:
            finished = self._failed(held, error)
        self._ended(held, finished)

    async def _run_async(self, held: HeldJob) -> FinishedJob:
        _begin(held, self._events)
        context = self._context_for(held)
        try:
            outcome = await self._await(held, context)
        except BaseException as error:
            outcome = self._outcome_of(error, held)
        if context is not None:
            # A cancellation that comes only now is too late for the outcome.
            with suppress(asyncio.CancelledError):
                await sync_to_async(self._flush_apart, thread_sensitive=False)(context)
        return self._finished(held, outcome, context)

    def _flush_apart(self, context: JobContext) -> None:
        try:
            self._flush(context)
        finally:
            close_connections()

    def _flush(self, context: JobContext) -> None:
        try:
            context.flush_progress()
        except Exception as error:
            # The last word on progress is not worth the outcome.
            self._events.emit("job.progress_lost", job=context.job, error=error)

    async def _await(self, held: HeldJob, context: JobContext | None) -> Outcome:
        args, kwargs = self._arguments(held, context)
        seconds = held.job.timeout_seconds
        limit = asyncio.timeout(None if seconds is None else bounded(seconds))
        armed = self._timeouts.watch(held)
        try:
            async with limit:
                result = await held.handler.function(*args, **kwargs)
        except TimeoutError:
            if limit.expired():
                raise JobTimedOut from None
            raise
        finally:
            armed.disarm()
        return result if isinstance(result, ANSWERS) else Succeed(result)

    def _context_for(self, held: HeldJob) -> JobContext | None:
        return None if held.handler.context_parameter is None else self._make_context(held)

    def _arguments(
        self, held: HeldJob, context: JobContext | None
    ) -> tuple[list[object], dict[str, object]]:
        try:
            args, kwargs = held.handler.arguments_of(held.job.payload)
        except (InvalidArguments, PayloadError) as error:
            raise Unprocessable(f"{type(error).__name__}: {error}") from error
        if context is not None and held.handler.context_parameter is not None:
            kwargs[held.handler.context_parameter] = context
        return args, kwargs

    # After a run.

    def _ended(self, held: HeldJob, finished: FinishedJob) -> None:
        if held.was_given_up:
            self._events.emit("job.ended_too_late", job=held.job)
            return
        self._marks.end(held.place)
        self._report(held, finished)

    def _give_up(self, held: HeldJob, because: type[JobInterrupt]) -> None:
        """Answer for a handler that does not end; whatever it does from now on is not waited for.

        In the watching thread.
        """
        held.lose_lease()
        try:
            finished = self._finished(held, self._outcome_of(because(), held))
        except Exception as error:
            finished = self._failed(held, error)
        self._events.emit("job.given_up", job=held.job, because=because.message)
        self._marks.end(held.place)
        self._report(held, finished)

    def _outcome_of(self, error: BaseException, held: HeldJob) -> Outcome:
        if isinstance(error, ANSWERS):
            return error
        if isinstance(error, JobCancelled):
            return Cancel(str(error))
        if isinstance(error, asyncio.CancelledError):
            if held.is_cancelled:
                return Cancel(JobCancelled.message)
            if held.interrupted:
                return Release("interrupted by the shutdown of its worker")
        if isinstance(error, LeaseLost):
            return Release(str(error))
        retryable = self._policies.of(held.handler).is_worth_retrying(error)
        return Fail(describe_error(error), retryable)

    def _failed(self, held: HeldJob, error: BaseException) -> FinishedJob:
        """Record even an answer that nothing can be made of; it costs no runner its thread."""
        # Of the job itself as little as can be asked: something about it raised.
        backoff = self._policies.defaults.backoff
        return self._finished(held, Fail(describe_error(error)), backoff=backoff)

    def _finished(
        self,
        held: HeldJob,
        outcome: Outcome,
        context: JobContext | None = None,
        *,
        backoff: Backoff | None = None,
    ) -> FinishedJob:
        job, backoff = held.job, backoff or self._policies.backoff_of(held.handler, held.job)
        transition = decide(job, outcome, backoff, keep=held.handler.keep)
        if held.is_cancelled and not transition.state.is_final:
            transition = decide(job, Cancel(JobCancelled.message), backoff)
        if context is not None:
            transition = _with_log(transition, context.log_lines)
        if held.has_started:
            transition = without_note(job, transition)
        return FinishedJob(job, transition, held.attempted_at)


def _begin(held: HeldJob, events: EventBus) -> None:
    held.begin()
    if events.hears("job.started"):
        events.emit("job.started", job=held.job)


def _unspent(finished: FinishedJob) -> FinishedJob:
    """The handler was not called: the attempt that the claim charged is given back."""
    transition = msgspec.structs.replace(finished.transition, attempt_change=-1)
    return msgspec.structs.replace(finished, transition=transition)


def _with_log(transition: Transition, lines: list[str]) -> Transition:
    """Keep the lines that the handler logged with its attempt, a success included."""
    if not lines:
        return transition
    log = msgspec.json.encode(lines).decode()
    report = transition.report or AttemptReport(outcome=transition.state.value)
    return msgspec.structs.replace(transition, report=msgspec.structs.replace(report, log=log))
