"""The half of a worker that claims jobs and runs them, made for the calling thread of a test."""

from itertools import count
from typing import Any

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.outcomes import Outcome
from django_jobqueue.jobs.context import JobContext
from django_jobqueue.store import JobStore
from django_jobqueue.worker.answers import ANSWERS, Answers
from django_jobqueue.worker.claiming import Claiming
from django_jobqueue.worker.executor import Executor
from django_jobqueue.worker.hands import Claim, HeldJob
from django_jobqueue.worker.hygiene import close_async_connections
from django_jobqueue.worker.loop_watch import LoopWatch
from django_jobqueue.worker.marks import NO_MARKS
from django_jobqueue.worker.membership import Membership
from django_jobqueue.worker.options import WorkerOptions
from django_jobqueue.worker.slots import Slots
from django_jobqueue.worker.telling import Telling

from .clock import elapsed
from .executor import ExecutorInTest, InTransactionOfTest
from .runners import CallingThread, LoopOfPermits
from .transactions import TransactionsOfTest

#: What handlers raised, by the claim that they ran under.
Errors = dict[Claim, BaseException]
#: How long the loop of coroutine strategies may take to end.
LOOP_SECONDS = 5.0


def _no_time_passes() -> float:
    return 0.0


class SteadyMembership(Membership):
    """That of a worker whose heartbeats are never late: a test may be held up in a debugger, and
    may move the clock by a year.
    """

    def may_claim(self) -> bool:
        return True

    def may_reap(self) -> bool:
        return True


class AnswersOfTest(Answers):
    """Keeps in `errors` what handlers raised."""

    def __init__(self, *parts: Any, errors: Errors) -> None:
        super().__init__(*parts)
        self._errors = errors

    def outcome_of_error(self, error: BaseException, held: HeldJob) -> Outcome:
        if not isinstance(error, ANSWERS):
            self._errors[held.claim] = error
        return super().outcome_of_error(error, held)


class ClaimingInTest(Claiming):
    """The same parts, but for those that have threads and connections of their own."""

    def __init__(
        self,
        conf: JobQueueSettings,
        options: WorkerOptions,
        *,
        store: JobStore,
        membership: Membership,
        transactions: TransactionsOfTest,
        errors: Errors,
    ) -> None:
        self._transactions, self._errors = transactions, errors
        super().__init__(
            conf,
            options,
            store=store,
            membership=membership,
            marks=NO_MARKS,
            rescheduled=lambda: None,
            elapsed=elapsed,
        )

    def close(self) -> None:
        self._event_loop.stop(timeout=LOOP_SECONDS)
        super().close()

    # What was changed holds for the very next claim.

    @property
    def _refresh_seconds(self) -> float:
        return 0.0

    # Handlers run where the test does.

    def _make_executor(self) -> Executor:
        def make_context(held: HeldJob) -> JobContext:
            return JobContext(
                held.job,
                attempted_at=held.attempted_at,
                store=self._context_store,
                cancelled=held.cancelled,
                lease_lost=held.lease_lost,
            )

        events = self._options.events
        answers = AnswersOfTest(self._policies, errors=self._errors)
        self._performing = ExecutorInTest(
            transactions=self._transactions,
            answers=answers,
            make_context=make_context,
            timeouts=self._timeouts,
            in_transaction=InTransactionOfTest(
                self._store,
                answers=answers,
                lease=self._conf.lease,
                events=events,
                transactions=self._transactions,
            ),
            loop_watch=LoopWatch(self._watching, events=events),
            events=events,
            permitted=self._make_permitted(answers),
        )
        return self._performing

    def _make_telling(self) -> Telling:
        return Telling(self._options.events, elapsed=self._elapsed)

    def _make_event_loop(self) -> LoopOfPermits:
        executor = self._performing
        return LoopOfPermits(
            1, executor.perform_async, tidy=close_async_connections, at_end=close_async_connections
        )

    def _make_slots(self) -> Slots:
        concurrency, executor, numbers = self._conf.concurrency, self._performing, count()
        self.runners = (
            CallingThread(concurrency, executor.perform, numbers=numbers),
            CallingThread(concurrency, executor.perform_async_here, numbers=numbers),
        )
        sync, asynchronous = self.runners
        # Where no time passes, nothing is claimed ahead of what runs.
        return Slots(sync=sync, asynchronous=asynchronous, elapsed=_no_time_passes)
