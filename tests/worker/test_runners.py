"""Where handlers run: threads and one event loop, worked without a database."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any

import pytest

from django_jobqueue.core.clock import monotonic
from django_jobqueue.worker.hands import HeldJob
from django_jobqueue.worker.runners import EventLoopRunner, ThreadRunners

from .bench import Time
from .site import PATIENCE
from .test_executor import a_claim


def held(count: int) -> list[HeldJob]:
    return [HeldJob(a_claim(), None) for _ in range(count)]


class Counted:
    """Performs held jobs: notes them, and holds each until the test lets them go."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.began: list[HeldJob] = []
        self.at_once = self.most_at_once = 0
        self._begun = threading.Semaphore(0)
        self.go = threading.Event()

    def __call__(self, job: HeldJob) -> None:
        self.begin(job)
        assert self.go.wait(PATIENCE)
        self.end()

    async def perform_async(self, job: HeldJob) -> None:
        self.begin(job)
        await asyncio.to_thread(self.go.wait, PATIENCE)
        self.end()

    def begin(self, job: HeldJob) -> None:
        with self.lock:
            self.began.append(job)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self._begun.release()

    def end(self) -> None:
        with self.lock:
            self.at_once -= 1

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self._begun.acquire(timeout=PATIENCE)


async def no_tidying() -> None: ...


Make = Callable[..., ThreadRunners | EventLoopRunner]


@pytest.fixture(params=["threads", "event loop"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    made: list[Any] = []

    def start(slots: int, counted: Counted) -> ThreadRunners | EventLoopRunner:
        runners: ThreadRunners | EventLoopRunner
        if request.param == "threads":
            runners = ThreadRunners(slots, counted, at_end=lambda: None)
        else:
            runners = EventLoopRunner(
                slots, counted.perform_async, tidy=no_tidying, at_end=no_tidying
            )
        runners.start()
        made.append((runners, counted))
        return runners

    yield start
    for runners, counted in made:
        counted.go.set()
        runners.take_back()
        assert runners.stop(timeout=PATIENCE)


def test_no_more_run_at_once_than_there_are_slots(make: Make) -> None:
    counted = Counted()
    runners = make(2, counted)
    runners.submit(held(6))
    counted.wait_for(2)
    counted.go.set()
    counted.wait_for(4)

    assert counted.most_at_once <= 2


def test_they_begin_in_the_order_in_which_they_came(make: Make) -> None:
    counted = Counted()
    runners, jobs = make(1, counted), held(5)
    runners.submit(jobs[:3])
    runners.submit(jobs[3:])
    counted.go.set()
    counted.wait_for(5)

    assert counted.began == jobs


def test_what_has_not_begun_can_be_taken_back_and_does_not_run(make: Make) -> None:
    counted = Counted()
    runners, jobs = make(1, counted), held(4)
    runners.submit(jobs)
    counted.wait_for(1)
    assert runners.waiting() == 3

    assert runners.take_back() == jobs[1:]
    assert runners.waiting() == 0
    counted.go.set()
    assert runners.stop(timeout=PATIENCE)
    assert counted.began == jobs[:1]


def test_stopping_says_whether_everything_has_ended(make: Make) -> None:
    counted = Counted()
    runners = make(1, counted)
    runners.submit(held(1))
    counted.wait_for(1)
    if isinstance(runners, ThreadRunners):  # the loop cancels what runs
        assert runners.stop(timeout=0) is False

    counted.go.set()
    assert runners.stop(timeout=PATIENCE) is True


def test_each_thread_says_that_it_ends() -> None:
    ended: list[str] = []
    runners = ThreadRunners(
        3, lambda job: None, at_end=lambda: ended.append(threading.current_thread().name)
    )
    runners.start()

    assert runners.stop(timeout=PATIENCE)
    assert sorted(ended) == [f"jobqueue-runner-{number}" for number in (1, 2, 3)]


class EndsLate:
    """A thread that takes most of the time it is waited for, and ends."""

    def __init__(self, time: Time) -> None:
        self._time = time

    def join(self, timeout: float) -> None:
        self._time.passes(0.9 * timeout)

    def is_alive(self) -> bool:
        return False


def test_all_threads_together_are_waited_for_as_long_as_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time = Time()
    monkeypatch.setattr("django_jobqueue.worker.runners.monotonic", time)
    slow = ThreadRunners(1, lambda job: None, at_end=lambda: None)
    slow._threads = [EndsLate(time) for _ in range(10)]  # type: ignore[misc]
    began = time()

    assert slow.stop(timeout=2.0)
    assert time() - began <= 2.0


def test_a_loop_that_cannot_be_made_is_an_error_and_no_endless_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> None:
        raise OSError("too many open files")

    monkeypatch.setattr(asyncio, "new_event_loop", refuse)
    runner = EventLoopRunner(1, Counted().perform_async, tidy=no_tidying, at_end=no_tidying)

    with pytest.raises(OSError, match="too many open files"):
        runner.start()
    assert runner.stop(timeout=0)


def test_a_coroutine_that_ignores_one_cancellation_is_given_up_in_time() -> None:
    entered, ended = threading.Event(), asyncio.Event()

    async def stubborn(job: HeldJob) -> None:
        entered.set()
        while not ended.is_set():
            with suppress(asyncio.CancelledError):
                await ended.wait()

    runner = EventLoopRunner(1, stubborn, tidy=no_tidying, at_end=no_tidying)
    runner.start()
    runner.submit(held(1))
    assert entered.wait(PATIENCE)
    began = monotonic()

    assert not runner.stop(timeout=0.2)
    assert monotonic() - began < 1.0
    assert runner._loop is not None
    runner._loop.call_soon_threadsafe(ended.set)
    assert runner.stop(timeout=PATIENCE)


class TestTidying:
    def run(self, tidy: Callable[[], Coroutine[Any, Any, None]], *, jobs: int) -> Counted:
        counted = Counted()
        counted.go.set()
        runner = EventLoopRunner(1, counted.perform_async, tidy=tidy, at_end=no_tidying)
        runner.start()
        runner.submit(held(jobs))
        counted.wait_for(jobs)
        assert runner.stop(timeout=PATIENCE)
        return counted

    def test_the_end_is_cleaned_up_once_whatever_ran(self) -> None:
        ends = []

        async def at_end() -> None:
            ends.append(1)

        runner = EventLoopRunner(1, Counted().perform_async, tidy=no_tidying, at_end=at_end)
        runner.start()
        assert runner.stop(timeout=PATIENCE)

        assert ends == [1]

    def test_it_waits_until_nothing_runs(self) -> None:
        """Async handlers share the thread of their database calls, and its connections."""
        gate, ended, tidied = asyncio.Event(), threading.Semaphore(0), threading.Event()
        jobs = held(3)

        async def perform(job: HeldJob) -> None:
            if job is jobs[0]:
                await gate.wait()
            ended.release()

        async def tidy() -> None:
            tidied.set()

        runner = EventLoopRunner(2, perform, tidy=tidy, at_end=no_tidying)
        runner.start()
        runner.submit(jobs)
        for _ in jobs[1:]:
            assert ended.acquire(timeout=PATIENCE)
        assert not tidied.wait(0.05)
        assert runner._loop is not None
        runner._loop.call_soon_threadsafe(gate.set)

        assert tidied.wait(PATIENCE)
        assert runner.stop(timeout=PATIENCE)

    def test_it_holds_no_slot(self) -> None:
        """With one slot, jobs go on while it waits for its thread."""
        release = asyncio.Event()
        tidied = []

        async def tidy() -> None:
            tidied.append(1)
            if len(tidied) == 1:
                await asyncio.wait_for(release.wait(), PATIENCE)

        counted = Counted()
        counted.go.set()
        runner = EventLoopRunner(1, counted.perform_async, tidy=tidy, at_end=no_tidying)
        runner.start()
        runner.submit(held(5))
        counted.wait_for(5)
        assert runner._loop is not None
        runner._loop.call_soon_threadsafe(release.set)

        assert runner.stop(timeout=PATIENCE)

    def test_an_error_in_it_costs_no_job(self) -> None:
        async def tidy() -> None:
            raise OSError("the socket is gone")

        assert len(self.run(tidy, jobs=3).began) == 3
