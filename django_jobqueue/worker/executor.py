"""One job that may run, to its transition: its arguments, the handler, what it answered."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

from asgiref.sync import sync_to_async

from django_jobqueue.core.errors import (
    InvalidArguments,
    JobCancelled,
    JobInterrupt,
    JobTimedOut,
    LeakedTransaction,
    LeaseLost,
    PayloadError,
)
from django_jobqueue.core.outcomes import Cancel, Outcome, Release, Succeed, Unprocessable
from django_jobqueue.core.specs import FinishedJob
from django_jobqueue.events import EventBus
from django_jobqueue.jobs.context import JobContext

from .answers import Answers, outcome_of_result, unspent
from .audience import Audience
from .draining import untouched
from .hands import HeldJob
from .hygiene import close_connections
from .isolation import Isolation
from .loop_watch import LoopWatch
from .marks import NO_MARKS, Marks
from .permitted import Permitted
from .timeouts import LATEST_START_SECONDS, TimeoutWatch, bounded
from .transactional import InTransaction


class CleanThread(Protocol):
    """Leaves the thread as the next job should find it; see `hygiene.clean_thread`."""

    def __call__(self, *, discard: bool) -> Sequence[str]: ...


ContextMaker = Callable[[HeldJob], JobContext]
Report = Callable[[HeldJob, FinishedJob], None]


def _nobody_listens(held: HeldJob, finished: FinishedJob) -> None:
    raise RuntimeError("an executor needs reports_to() before it runs a job")


class Executor:
    """Runs held jobs. `perform` and `perform_async` never raise; what comes of a job goes to
    `report`.

    Without `permitted`, as in a job process whose worker holds the permits, none are asked for.
    """

    def __init__(
        self,
        *,
        answers: Answers,
        make_context: ContextMaker,
        timeouts: TimeoutWatch,
        clean_thread: CleanThread,
        in_transaction: InTransaction,
        loop_watch: LoopWatch,
        marks: Marks = NO_MARKS,
        events: EventBus,
        lease_in_doubt: Callable[[], bool] = lambda: False,
        isolation: Isolation | None = None,
        permitted: Permitted | None = None,
    ) -> None:
        self._answers, self._marks, self._isolation = answers, marks, isolation
        self._permitted = permitted
        self._report: Report = _nobody_listens
        self._make_context, self._lease_in_doubt = make_context, lease_in_doubt
        self._timeouts, self._clean_thread, self._events = timeouts, clean_thread, events
        self._audience = Audience(events)
        self._in_transaction, self._loop_watch = in_transaction, loop_watch
        timeouts.gives_up_to(self._give_up)

    def reports_to(self, report: Report) -> None:
        """Say who is told what came of each job; before the first one runs."""
        self._report = report

    # The run.

    def perform(self, held: HeldJob) -> None:
        """Run a sync handler in this thread, and report."""
        held.place = self._marks.begin(held.job.id)
        try:
            finished = self._finished_before(held) or self._run_permitted(held)
        except BaseException as error:
            finished = self._answers.failed(held, error)
        self._ended(held, finished)

    def _finished_before(self, held: HeldJob) -> FinishedJob | None:
        """What is written for a job that was cancelled or released, or may have been taken away,
        while it waited here.
        """
        if held.is_cancelled:
            return unspent(self._answers.finished(held, Cancel(JobCancelled.message)))
        if held.interrupted:
            return untouched(held.job)
        if held.has_lost_lease or self._lease_in_doubt():
            return self._answers.finished(held, Release(LeaseLost(held.job.id).args[0]))
        if held.job.timeout_seconds is not None and held.age_seconds >= LATEST_START_SECONDS:
            # Its deadline counts from the claim: reapers might take it away while it runs.
            return self._answers.finished(held, Release("it waited too long for its start"))
        return None

    def _run_permitted(self, held: HeldJob) -> FinishedJob:
        if not held.handler.permits or self._permitted is None:
            return self._run(held)
        return self._permitted.run(held, before=self._finished_before, run=self._run)

    def _run(self, held: HeldJob) -> FinishedJob:
        handler = held.handler
        if handler.is_isolated and self._isolation is not None:
            return self._run_apart(held, self._isolation)
        self._audience.begin(held)
        if handler.context_parameter is not None:
            held.context = self._make_context(held)
        try:
            call = self._call_in_transaction if handler.transactional else self._call
            outcome = contextvars.Context().run(call, held)
        except BaseException as error:
            outcome = self._answers.outcome_of_error(error, held)
        left_open = self._clean_up(held)
        if held.finishing is not None and held.is_written:
            return held.finishing
        if left_open and isinstance(outcome, Succeed):
            outcome = self._answers.outcome_of_error(LeakedTransaction(left_open), held)
        if held.context is not None:
            self._flush(held)
        return self._answers.finished(held, outcome)

    def _run_apart(self, held: HeldJob, isolation: Isolation) -> FinishedJob:
        held.context = self._context_for(held)  # keeps the lines that it logs there
        try:
            transition = isolation.run(held)
        except BaseException as error:
            outcome = self._answers.outcome_of_error(error, held)
            finished = self._answers.finished(held, outcome)
            return finished if held.has_started else unspent(finished)
        return held.finished(transition)

    def _clean_up(self, held: HeldJob) -> Sequence[str]:
        try:
            return self._clean_thread(discard=held.interrupted_because is not None)
        except Exception as error:
            # Work that is done is not repeated because a connection could not be closed.
            self._events.emit("job.cleaning_failed", job=held.job, error=error)
            return ()

    def _call(self, held: HeldJob) -> Outcome:
        if (span := self._audience.span_of(held.job)) is None:
            return _answer_of(held, self._timeouts)
        with span as facts:
            facts["outcome"] = outcome = _answer_of(held, self._timeouts)
        return outcome

    def _call_in_transaction(self, held: HeldJob) -> Outcome:
        def call() -> Outcome:
            outcome = self._call(held)
            self._flush(held)  # now: the finish takes the row with it
            return outcome

        return self._in_transaction.run(held, call)

    async def perform_async(self, held: HeldJob) -> None:
        """Run an async handler in this loop, and report."""
        held.place = self._marks.begin(held.job.id)
        try:
            finished = self._finished_before(held) or await self._run_permitted_async(held)
        except BaseException as error:
            finished = self._answers.failed(held, error)
        self._ended(held, finished)

    async def _run_permitted_async(self, held: HeldJob) -> FinishedJob:
        if self._permitted is None or not held.handler.permits:
            return await self._run_async(held)
        before = self._finished_before
        return await self._permitted.run_async(held, before=before, run=self._run_async)

    async def _run_async(self, held: HeldJob) -> FinishedJob:
        self._audience.begin(held)
        held.context = self._context_for(held)
        try:
            if span := self._audience.span_of(held.job):
                with span as facts:
                    facts["outcome"] = outcome = await self._await(held)
            else:
                outcome = await self._await(held)
        except BaseException as error:
            outcome = self._answers.outcome_of_error(error, held)
        if held.context is not None:
            # A cancellation that comes only now is too late for the outcome.
            with suppress(asyncio.CancelledError):
                await sync_to_async(self._flush_apart, thread_sensitive=False)(held)
        return self._answers.finished(held, outcome)

    def _flush_apart(self, held: HeldJob) -> None:
        try:
            self._flush(held)
        finally:
            close_connections()

    def _flush(self, held: HeldJob) -> None:
        try:
            if held.context is not None:
                held.context.flush_progress()
        except Exception as error:
            # The last word on progress is not worth the outcome.
            self._events.emit("job.progress_lost", job=held.job, error=error)

    async def _await(self, held: HeldJob) -> Outcome:
        args, kwargs = _arguments_of(held)
        armed, seconds = self._timeouts.watch(held), held.job.timeout_seconds
        try:
            task = self._loop_watch.begin(held)
            try:
                answer = held.handler.function(*args, **kwargs)
                result = await (answer if seconds is None else _within(bounded(seconds), answer))
            finally:
                self._loop_watch.end(task)
        finally:
            armed.disarm()
        return outcome_of_result(result)

    def _context_for(self, held: HeldJob) -> JobContext | None:
        return None if held.handler.context_parameter is None else self._make_context(held)

    # After a run.

    def _ended(self, held: HeldJob, finished: FinishedJob) -> None:
        if held.was_given_up:
            self._events.emit("job.ended_too_late", job=held.job)
            return
        self._marks.end(held.place)
        self._report(held, finished)

    def _give_up(self, held: HeldJob, because: type[JobInterrupt]) -> None:
        """Answer for a handler that does not end, and is not waited for any more; in the watching
        thread.
        """
        held.lose_lease()
        try:
            outcome = self._answers.outcome_of_error(because(), held)
            finished = self._answers.finished(held, outcome)
        except Exception as error:
            finished = self._answers.failed(held, error)
        self._events.emit("job.given_up", job=held.job, because=because.message)
        self._marks.end(held.place)
        self._report(held, finished)


async def _within(seconds: float, answer: Awaitable[object]) -> object:
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await answer
    except TimeoutError:
        if limit.expired():
            raise JobTimedOut from None
        raise


def _answer_of(held: HeldJob, timeouts: TimeoutWatch) -> Outcome:
    args, kwargs = _arguments_of(held)
    try:
        result = timeouts.run(held, lambda: held.handler.function(*args, **kwargs))
    except Succeed as success:
        return success
    return outcome_of_result(result)


def _arguments_of(held: HeldJob) -> tuple[list[object], dict[str, object]]:
    try:
        args, kwargs = held.handler.arguments_of(held.job.payload)
    except (InvalidArguments, PayloadError) as error:
        raise Unprocessable(f"{type(error).__name__}: {error}") from error
    if held.context is not None and held.handler.context_parameter is not None:
        kwargs[held.handler.context_parameter] = held.context
    return args, kwargs
