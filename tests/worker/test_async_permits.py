"""Strategies and permits that are async, under handlers of both kinds."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from django_jobqueue import JobState, PermitStrategy, TryAfter
from django_jobqueue.core.specs import ClaimedJob
from django_jobqueue.permits.holding import Hold
from tests.claims import a_claim

from .site import COMMITTED, PATIENCE, Site
from .strategies import Answering, Noting, Slow, no_permit_is_held
from .test_executor import TrialOf, trial_of

__all__ = ["trial_of"]  # a fixture

pytestmark = COMMITTED


@pytest.fixture
def notes() -> Iterator[list[str]]:
    yield []
    assert no_permit_is_held()


class Limiter(PermitStrategy):
    """Remembers the task that has entered it, as limiters of asyncio libraries do."""

    def __init__(self, notes: list[str]) -> None:
        self.notes = notes
        self.loops: set[object] = set()

    async def acquire(self, job: ClaimedJob) -> AbstractAsyncContextManager[None]:
        return self.permit(asyncio.current_task())

    @asynccontextmanager
    async def permit(self, asked_in: object) -> AsyncIterator[None]:
        assert asyncio.current_task() is asked_in
        self.loops.add(asyncio.get_running_loop())
        self.notes.append("+limiter")
        yield
        assert asyncio.current_task() is asked_in
        self.notes.append("-limiter")


def handlers(site: Site, notes: list[str], **options: Any) -> list[Any]:
    @site.job(name="sync", **options)
    def run() -> None:
        notes.append("run")

    @site.job(name="async", **options)
    async def run_async() -> None:
        notes.append("run")

    return [run, run_async]


@pytest.mark.parametrize("which", [0, 1], ids=["sync", "async"])
class TestEitherHandler:
    def test_permits_of_both_kinds_are_entered_in_order_and_left_in_reverse(
        self, site: Site, notes: list[str], which: int
    ) -> None:
        permits = [Noting("a", notes), Limiter(notes), Noting("b", notes)]
        handlers(site, notes, permits=permits)[which].enqueue()
        site.work()

        assert notes == ["+a", "+limiter", "+b", "run", "-b", "-limiter", "-a"]
        assert "job.permit_failed" not in site.told.names

    def test_a_sync_strategy_may_grant_an_async_permit(
        self, site: Site, notes: list[str], which: int
    ) -> None:
        @asynccontextmanager
        async def permit() -> AsyncIterator[None]:
            notes.append("+")
            yield
            notes.append("-")

        handlers(site, notes, permits=[Answering(permit())])[which].enqueue()
        site.work()

        assert notes == ["+", "run", "-"]

    def test_an_async_strategy_may_grant_a_sync_permit_or_refuse(
        self, site: Site, notes: list[str], which: int
    ) -> None:
        class Choosy(Noting):
            async def acquire(self, job: ClaimedJob) -> Any:  # type: ignore[override]
                return TryAfter(60) if len(notes) else self.permit()

        run = handlers(site, notes, permits=[Choosy("a", notes)])[which]
        run.enqueue()
        site.work()
        refused = run.enqueue()
        site.work()

        assert notes == ["+a", "run", "-a"]
        assert refused.state is JobState.SCHEDULED

    def test_what_fails_in_the_loop_is_a_failed_attempt(
        self, site: Site, notes: list[str], which: int
    ) -> None:
        class Broken(PermitStrategy):
            async def acquire(self, job: ClaimedJob) -> Any:
                raise OSError("no route")

        handle = handlers(site, notes, permits=[Broken()], max_attempts=1)[which].enqueue()
        site.work()

        assert (notes, handle.state) == ([], JobState.DEAD)
        assert handle.refresh().error["message"] == "no route"

    def test_a_strategy_that_takes_too_long_is_cancelled(
        self, site: Site, notes: list[str], which: int
    ) -> None:
        class Endless(PermitStrategy):
            async def acquire(self, job: ClaimedJob) -> Any:
                try:
                    await asyncio.Event().wait()
                finally:
                    notes.append("cancelled")

        handle = handlers(site, notes, permits=[Endless()])[which].enqueue()
        site.work(permit_wait=0.01)

        assert handle.state is JobState.SCHEDULED
        assert no_permit_is_held()
        assert notes == ["cancelled"]
        assert "job.permit_failed" not in site.told.names

    def test_a_permit_that_cannot_be_entered_in_time_is_cancelled(
        self, site: Site, notes: list[str], which: int
    ) -> None:
        taken = asyncio.Lock()

        class Taken(PermitStrategy):
            async def acquire(self, job: ClaimedJob) -> Any:
                if not taken.locked():
                    await taken.acquire()
                return taken

        handle = handlers(site, notes, permits=[Taken()])[which].enqueue()
        site.work(permit_wait=0.01)

        assert (notes, handle.state) == ([], JobState.SCHEDULED)


class TestLoop:
    def test_it_is_the_one_of_async_handlers(self, site: Site, notes: list[str]) -> None:
        limiter = Limiter(notes)
        sync, _ = handlers(site, notes, permits=[limiter])

        @site.job(name="look", permits=[limiter])
        async def look() -> bool:
            return limiter.loops == {asyncio.get_running_loop()}

        sync.enqueue()
        looking = look.enqueue()
        site.work()

        assert looking.refresh().result is True

    def test_other_jobs_go_on_while_a_strategy_is_waited_for(
        self, site: Site, notes: list[str]
    ) -> None:
        slow = Slow(notes)

        @site.job(name="permitted", permits=[slow])
        async def permitted() -> None: ...

        @site.job(name="beside")
        async def beside() -> None:
            slow.go_on.set()

        permitted.enqueue()
        with site.working() as running:
            assert slow.was_asked()
            beside.enqueue()
            running.told.wait_for("job.succeeded", times=2)

        assert notes == ["+slow", "-slow"]


def test_a_job_whose_task_is_cancelled_while_it_waits_is_given_back(
    trial_of: TrialOf, notes: list[str]
) -> None:
    slow = Slow(notes)

    async def run() -> None:
        notes.append("run")

    trial = trial_of(run, permits=[slow])

    async def cancel_it() -> None:
        task = asyncio.create_task(trial.executor.perform_async(trial.held))
        assert await asyncio.to_thread(slow.was_asked)
        task.cancel()
        await task
        slow.go_on.set()

    asyncio.run(cancel_it())

    assert trial.answer.transition.state == JobState.READY
    assert trial.answer.transition.attempt_change == -1
    assert no_permit_is_held()
    assert notes == ["+slow", "-slow"]


def test_a_loop_that_has_ended_before_the_handler_spoils_nothing(notes: list[str]) -> None:
    async def hold_one() -> Hold:
        held = Hold(
            Limiter(notes), a_claim(), loop=lambda: loop, at_end=lambda: None, failed=failures
        )
        held.start()
        await asyncio.wrap_future(held.answered)
        return held

    def failures(strategy: PermitStrategy, error: BaseException) -> None:
        notes.append(type(error).__name__)

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        held = runner.run(hold_one())

    held.let_go()

    held.left.result(PATIENCE)
    assert notes == ["+limiter"]


def test_threads_of_permits_end_with_their_jobs(site: Site, notes: list[str]) -> None:
    run, run_async = handlers(site, notes, permits=[Noting("a", notes), Limiter(notes)])
    for _ in range(5):
        run.enqueue()
        run_async.enqueue()
    site.work()

    assert notes.count("run") == 10
    assert no_permit_is_held()
