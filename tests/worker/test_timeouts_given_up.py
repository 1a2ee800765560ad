"""Handlers that neither their timeout nor their cancellation ends: the worker answers for them, and
goes on without their threads.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from django_jobqueue import DeathReason, JobContext, JobState
from django_jobqueue.jobs.control import cancel
from django_jobqueue.worker.marks import StartedMarks
from django_jobqueue.worker.options import Recycling
from django_jobqueue.worker.retirement import Retirement

from .site import COMMITTED, PATIENCE, Site, the_attempt_of, within

pytestmark = COMMITTED

#: The heartbeat brings the requests to cancel.
QUICK: dict[str, Any] = {"timeout_grace": 0.1, "heartbeat_interval": 0.05, "lease": 5}
TIMED_OUT = "django_jobqueue.core.errors.JobTimedOut"


class Stubborn:
    """Handlers that go on until the test lets them go, whatever is raised in them."""

    def __init__(self) -> None:
        self.began, self.let_go = threading.Event(), threading.Event()
        self.swallowed: list[str] = []

    def run(self) -> str:
        while not self.let_go.is_set():
            try:
                self.began.set()
                self.let_go.wait(0.001)
            except BaseException as interrupt:
                self.swallowed.append(type(interrupt).__name__)
        return "too late"

    async def run_async(self) -> str:
        while not self.let_go.is_set():
            try:
                self.began.set()
                await asyncio.to_thread(self.let_go.wait, PATIENCE)
            except asyncio.CancelledError:
                self.swallowed.append("CancelledError")
        return "too late"


@pytest.fixture
def stubborn() -> Iterator[Stubborn]:
    it = Stubborn()
    yield it
    it.let_go.set()
    for thread in threading.enumerate():
        if thread.name.startswith("jobqueue-"):
            thread.join(PATIENCE)


Declare = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def declare(request: pytest.FixtureRequest, site: Site, stubborn: Stubborn) -> Declare:
    """Declare the stubborn handler, of either kind."""

    def declare(**options: Any) -> Any:
        def run() -> str:
            return stubborn.run()

        async def run_async() -> str:
            return await stubborn.run_async()

        return site.job(run if request.param == "sync" else run_async, **options)

    return declare


def test_one_that_outlives_its_timeout_and_the_grace_has_spent_its_attempt(
    site: Site, stubborn: Stubborn, declare: Declare
) -> None:
    handle = declare(timeout=0.05, max_attempts=1).enqueue()

    with site.working(**QUICK):
        assert handle.wait(PATIENCE).state == JobState.DEAD
        assert not stubborn.let_go.is_set()
        stubborn.let_go.set()
        site.told.wait_for("job.ended_too_late")

    assert handle.refresh().snapshot.reason == DeathReason.EXHAUSTED
    assert handle.snapshot.result is None
    assert the_attempt_of(handle).error_type == TIMED_OUT
    assert len(stubborn.swallowed) >= 1
    assert site.told.of("job.finish_was_stale") == []
    assert len(site.told.of("job.given_up")) == 1


def test_its_slot_is_free_again(site: Site, stubborn: Stubborn, declare: Declare) -> None:
    stuck = declare(timeout=0.05, max_attempts=1).enqueue()

    with site.working(concurrency=1, async_concurrency=1, **QUICK):
        assert stuck.wait(PATIENCE).state == JobState.DEAD
        quick = site.job(lambda: "done", name="quick").enqueue()
        quick_async = site.job(say_done, name="quick_async").enqueue()
        assert quick.wait(PATIENCE).result == "done"
        assert quick_async.wait(PATIENCE).result == "done"
        assert not stubborn.let_go.is_set()
        stubborn.let_go.set()
        site.told.wait_for("job.ended_too_late")
        assert site.job(lambda: "more", name="more").enqueue().wait(PATIENCE).result == "more"


async def say_done() -> str:
    return "done"


def test_what_it_had_logged_is_kept_with_its_attempt(site: Site, stubborn: Stubborn) -> None:
    @site.job(timeout=0.05, max_attempts=1)
    def talk(context: JobContext) -> None:
        context.log("begun")
        stubborn.run()

    handle = talk.enqueue()
    with site.working(**QUICK):
        assert handle.wait(PATIENCE).state == JobState.DEAD
        stubborn.let_go.set()

    assert the_attempt_of(handle).log == ["begun"]


def test_one_that_was_cancelled_and_goes_on_is_cancelled_without_it(
    site: Site, stubborn: Stubborn, declare: Declare
) -> None:
    handle = declare().enqueue()

    with site.working(**QUICK):
        assert stubborn.began.wait(PATIENCE)
        cancel(handle.id)
        assert handle.wait(PATIENCE).state == JobState.CANCELLED
        assert not stubborn.let_go.is_set()
        stubborn.let_go.set()
        site.told.wait_for("job.ended_too_late")

    assert handle.refresh().snapshot.state == JobState.CANCELLED
    assert site.told.of("job.finish_was_stale") == []


def test_a_sync_handler_that_does_not_look_is_cancelled_by_an_exception(site: Site) -> None:
    began = threading.Event()

    @site.job
    def spin() -> None:
        began.set()
        while True:
            pass

    handle = spin.enqueue()
    with site.working(**QUICK):
        assert began.wait(PATIENCE)
        cancel(handle.id)
        assert handle.wait(PATIENCE).state == JobState.CANCELLED

    assert site.told.of("job.given_up") == []


def test_a_sync_handler_that_looks_ends_itself_before_the_grace_is_over(site: Site) -> None:
    began, ended = threading.Event(), threading.Event()

    @site.job
    def look(context: JobContext) -> None:
        began.set()
        while not context.cancelled:
            pass
        for _ in range(2_000_000):  # long enough for an exception to arrive
            pass
        ended.set()
        context.check()

    handle = look.enqueue()
    with site.working(**{**QUICK, "timeout_grace": 3600}):
        assert began.wait(PATIENCE)
        cancel(handle.id)
        assert handle.wait(PATIENCE).state == JobState.CANCELLED

    assert ended.is_set()


def test_one_that_was_given_up_is_told_that_its_claim_is_gone(site: Site) -> None:
    told = threading.Event()

    @site.job(timeout=0.05, max_attempts=1)
    def look(context: JobContext) -> None:
        while not context.lease_lost:
            try:
                threading.Event().wait(0.001)
            except BaseException:
                continue
        told.set()

    handle = look.enqueue()
    with site.working(**QUICK):
        assert told.wait(PATIENCE)
        assert handle.wait(PATIENCE).state == JobState.DEAD


def test_the_end_of_the_worker_does_not_wait_for_it(
    site: Site, stubborn: Stubborn, declare: Declare
) -> None:
    handle = declare(timeout=0.05, max_attempts=1).enqueue()

    with site.working(drain=3600, **QUICK) as running:
        assert handle.wait(PATIENCE).state == JobState.DEAD

    assert running.worker.abandoned
    assert not stubborn.let_go.is_set()


def test_its_mark_is_free_for_the_job_in_its_place(
    site: Site, stubborn: Stubborn, declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = StartedMarks.create(slots=1)
    monkeypatch.setattr("django_jobqueue.worker.assembly.NO_MARKS", marks)
    stuck = declare(timeout=0.05, max_attempts=1).enqueue()

    with site.working(concurrency=1, async_concurrency=1, **QUICK):
        assert within(PATIENCE, lambda: marks.started() == [stuck.id])
        assert stuck.wait(PATIENCE).state == JobState.DEAD
        assert within(PATIENCE, lambda: marks.started() == [])
        next_one = site.job(lambda: marks.started(), name="next").enqueue()
        assert next_one.wait(PATIENCE).result == [next_one.id]
        stubborn.let_go.set()
        site.told.wait_for("job.ended_too_late")
    marks.close()


def test_a_process_in_which_a_handler_was_given_up_retires_once() -> None:
    leaked, reasons = [0], list[str]()
    retirement = Retirement(
        Recycling(), finished=int, leaked=lambda: leaked[0], retire=reasons.append
    )
    retirement.tick()
    assert reasons == []

    leaked[0] = 1
    retirement.tick()
    retirement.tick()

    assert reasons == ["handlers that do not end run in it: 1"]
