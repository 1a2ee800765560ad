"""Whatever happens around a handler, the executor reports exactly one outcome and never raises."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from freezegun import freeze_time

from django_jobqueue import JobContext, JobState, PermitStrategy
from django_jobqueue.core.outcomes import Answer
from django_jobqueue.core.retry import RetryPolicy
from django_jobqueue.core.specs import FinishedJob
from django_jobqueue.events import EventBus
from django_jobqueue.models import ArchivedJob
from django_jobqueue.permits.chain import Chains
from django_jobqueue.store import store_for
from django_jobqueue.store.sqlite import SQLiteStore
from django_jobqueue.worker.admission import Policies
from django_jobqueue.worker.answers import Answers
from django_jobqueue.worker.executor import CleanThread, Executor
from django_jobqueue.worker.hands import HeldJob
from django_jobqueue.worker.loop_watch import LoopWatch
from django_jobqueue.worker.permitted import Permitted
from django_jobqueue.worker.timeouts import TimeoutWatch
from django_jobqueue.worker.transactional import InTransaction
from django_jobqueue.worker.watching import Watching
from tests.claims import MOMENT, a_claim

from .bench import LEASE, Time
from .site import COMMITTED, PATIENCE, Site, Told

#: What the clock of SQLite counts.
A_MILLISECOND = timedelta(milliseconds=1)


class ProgressGate(SQLiteStore):
    """Progress comes here and waits; the second write of it, when the run has ended."""

    def __init__(self) -> None:
        super().__init__("default")
        self.writes: list[str | None] = []
        self.last_write, self.go_on = threading.Event(), threading.Event()

    def save_progress(self, job_id: int, token: object, **texts: Any) -> bool:
        self.writes.append(texts["progress"])
        if len(self.writes) == 2:
            self.last_write.set()
            assert self.go_on.wait(PATIENCE)
        return True


def leave_nothing(*, discard: bool) -> list[str]:
    return []


def permitted_by(answers: Answers, bus: EventBus) -> Permitted:
    chains = Chains(loop=asyncio.get_running_loop, at_end=do_nothing, events=bus)
    return Permitted(chains, answers=answers, wait_seconds=PATIENCE, events=bus)


class Trial:
    """One held job and an executor that reports to the test."""

    def __init__(
        self,
        function: Any,
        *,
        store: Any = None,
        clean_thread: CleanThread = leave_nothing,
        permits: Sequence[PermitStrategy] = (),
    ) -> None:
        site = Site()
        handler = site.job(function, name="tried", permits=permits).handler
        self.reported: list[FinishedJob] = []
        self.told, bus = Told(), EventBus()
        bus.subscribe(self.told)
        self.watching, answers = Watching(), Answers(Policies(RetryPolicy()))
        self.executor = Executor(
            answers=answers,
            make_context=lambda held: JobContext(
                held.job, store=store, cancelled=held.cancelled, lease_lost=held.lease_lost
            ),
            timeouts=TimeoutWatch(self.watching),
            in_transaction=InTransaction(
                store_for("default"), answers=answers, lease=LEASE, events=bus
            ),
            loop_watch=LoopWatch(self.watching, events=bus),
            clean_thread=clean_thread,
            events=bus,
            permitted=permitted_by(answers, bus),
        )
        self.executor.reports_to(lambda held, finished: self.reported.append(finished))
        self.held = HeldJob(a_claim(handler="tried", max_attempts=1), handler)

    @property
    def answer(self) -> FinishedJob:
        [finished] = self.reported
        return finished


TrialOf = Callable[..., Trial]


@pytest.fixture
def trial_of() -> Iterator[TrialOf]:
    """Make trials, and end what watches them."""
    made: list[Trial] = []

    def trial_of(function: Any, **options: Any) -> Trial:
        made.append(Trial(function, **options))
        return made[-1]

    yield trial_of
    for trial in made:
        trial.watching.stop()


def test_an_answer_that_nobody_defined_is_a_failed_attempt(trial_of: TrialOf) -> None:
    class Shrug(Answer):
        pass

    def shrug() -> None:
        raise Shrug

    trial = trial_of(shrug)
    trial.executor.perform(trial.held)

    assert trial.answer.transition.state == JobState.DEAD


def test_an_error_while_cleaning_up_does_not_make_done_work_be_repeated(trial_of: TrialOf) -> None:
    def clean_thread(*, discard: bool) -> list[str]:
        raise OSError("the socket is gone")

    trial = trial_of(do_nothing, clean_thread=clean_thread)
    trial.executor.perform(trial.held)

    assert trial.answer.transition.state == JobState.SUCCEEDED
    assert trial.told.names == ["job.started", "job.cleaning_failed"]


def do_nothing() -> None: ...


def test_a_transaction_that_was_left_open_fails_the_attempt(trial_of: TrialOf) -> None:
    trial = trial_of(do_nothing, clean_thread=lambda discard: ["default"])
    trial.executor.perform(trial.held)

    assert "LeakedTransaction" in (trial.answer.transition.error or "")


def test_a_cancellation_during_the_last_write_of_progress_is_too_late(trial_of: TrialOf) -> None:
    store = ProgressGate()

    async def count(context: JobContext) -> str:
        await context.aprogress(1, 2)
        await context.aprogress(2, 2)
        return "done"

    trial = trial_of(count, store=store)

    async def cancel_at_the_last_write() -> None:
        run = asyncio.create_task(trial.executor.perform_async(trial.held))
        await asyncio.to_thread(store.last_write.wait, PATIENCE)
        run.cancel()
        store.go_on.set()
        await run

    asyncio.run(cancel_at_the_last_write())

    assert trial.answer.transition.state == JobState.SUCCEEDED


@pytest.mark.parametrize("flag", ["cancelled", "interrupted"])
def test_a_cancelled_coroutine_says_why_it_was_cancelled(trial_of: TrialOf, flag: str) -> None:
    entered = asyncio.Event()

    async def wait_for_ever() -> None:
        entered.set()
        await asyncio.Event().wait()

    trial = trial_of(wait_for_ever)

    async def end_it() -> None:
        run = asyncio.create_task(trial.executor.perform_async(trial.held))
        await entered.wait()
        trial.held.interrupt_with(run.cancel)
        if flag == "cancelled":
            trial.held.request_cancel()
        else:
            trial.held.interrupt()
        await run

    asyncio.run(end_it())

    transition = trial.answer.transition
    expected = JobState.CANCELLED if flag == "cancelled" else JobState.READY
    assert transition.state == expected
    assert transition.attempt_change == (0 if flag == "cancelled" else -1)


class TestWaitedTooLong:
    """What happened to a job between its claim and its turn."""

    def test_a_job_that_was_cancelled_is_not_run(self) -> None:
        runs: list[int] = []
        trial = Trial(lambda: runs.append(1))
        trial.held.request_cancel()

        trial.executor.perform(trial.held)

        assert runs == []
        assert trial.answer.transition.state == JobState.CANCELLED
        assert trial.answer.attempted_at is None

    def test_a_job_that_was_taken_away_is_not_run(self) -> None:
        runs: list[int] = []
        trial = Trial(lambda: runs.append(1))
        trial.held.lose_lease()

        trial.executor.perform(trial.held)

        assert runs == []
        assert not trial.answer.transition.state.is_final

    def test_an_async_job_that_was_cancelled_is_not_run(self) -> None:
        runs: list[int] = []

        async def run() -> None:
            runs.append(1)

        trial = Trial(run)
        trial.held.request_cancel()

        asyncio.run(trial.executor.perform_async(trial.held))

        assert runs == []
        assert trial.answer.transition.state == JobState.CANCELLED


class TestStart:
    """When a handler began is told by the clock that tells when it was claimed and finished."""

    def test_it_is_the_time_of_the_claim_and_what_has_passed_since(self) -> None:
        time = Time()
        held = HeldJob(a_claim(), None, elapsed=time)
        time.passes(2.5)

        held.begin()

        assert held.attempted_at == MOMENT + timedelta(seconds=2.5)

    @COMMITTED
    def test_a_worker_whose_clock_is_wrong_tells_the_same(self, site: Site) -> None:
        @site.job
        def run() -> None: ...

        handle = run.enqueue()
        with freeze_time("2000-01-01"):
            site.work()

        record = ArchivedJob.objects.get(pk=handle.id)
        assert record.claimed_at <= record.attempted_at
        assert record.attempted_at <= record.finished_at + A_MILLISECOND
