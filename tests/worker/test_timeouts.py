"""Timeouts: the attempt is spent, and the exception never lands anywhere but in the handler."""

import asyncio
import math
import operator
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from django_jobqueue import Constant, DeathReason, JobState, JobTimedOut
from django_jobqueue.service.threads import caught
from django_jobqueue.worker.arming import Armed
from django_jobqueue.worker.hands import HeldJob
from django_jobqueue.worker.timeouts import TimeoutWatch, bounded
from django_jobqueue.worker.watching import Watching
from tests.claims import a_claim

from .bench import Time
from .site import COMMITTED, PATIENCE, Site, the_attempt_of

NOW = Constant(0)


class AWatch(TimeoutWatch):
    """With a watching thread of its own."""

    def __init__(self, **options: Any) -> None:
        self.watching = Watching(**options)
        super().__init__(self.watching)

    def stop(self) -> None:
        self.watching.stop()


def held_for(seconds: float) -> HeldJob:
    """A job that may run that long."""
    return HeldJob(a_claim(timeout_seconds=seconds), None)


def spin() -> None:
    spin_until(threading.Event())


def spin_until(condition: threading.Event) -> None:
    """Run Python code all the while: an exception can be raised here at every turn."""
    while not condition.is_set():
        pass


class TestThroughAWorker:
    pytestmark = COMMITTED

    def test_a_sync_handler_that_takes_too_long_has_spent_its_attempt(self, site: Site) -> None:
        @site.job(timeout=0.05, max_attempts=2, backoff=NOW)
        def spin() -> None:
            spin_until(threading.Event())

        handle = spin.enqueue()
        site.work()

        assert (handle.refresh().state, handle.snapshot.attempt) == (JobState.DEAD, 2)
        assert handle.snapshot.reason == DeathReason.EXHAUSTED
        assert {one.error_type for one in handle.attempts} == {
            "django_jobqueue.core.errors.JobTimedOut"
        }

    def test_an_async_handler_that_takes_too_long_has_spent_its_attempt(self, site: Site) -> None:
        @site.job(timeout=0.05)
        async def wait_for_ever() -> None:
            await asyncio.Event().wait()

        handle = wait_for_ever.enqueue()
        site.work()

        assert (handle.refresh().state, handle.snapshot.attempt) == (JobState.SCHEDULED, 1)
        assert the_attempt_of(handle).error_type == "django_jobqueue.core.errors.JobTimedOut"

    def test_a_timeout_error_of_the_handlers_own_is_not_taken_for_it(self, site: Site) -> None:
        @site.job(timeout=30)
        async def ask() -> None:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()

        handle = ask.enqueue()
        site.work()

        assert the_attempt_of(handle).error_type == "TimeoutError"

    def test_no_except_exception_swallows_it(self, site: Site) -> None:
        @site.job(timeout=0.05, max_attempts=1)
        def stubborn() -> None:
            with suppress(Exception):
                spin_until(threading.Event())

        handle = stubborn.enqueue()
        site.work()

        assert handle.refresh().state == JobState.DEAD

    def test_the_next_job_of_the_thread_is_left_alone(self, site: Site) -> None:
        @site.job(timeout=0.02, max_attempts=1)
        def spin() -> None:
            spin_until(threading.Event())

        @site.job(timeout=30)
        def quick() -> str:
            return "untouched"

        handles = [one.enqueue() for _ in range(5) for one in (spin, quick)]
        site.work(concurrency=1)

        assert [one.refresh().state for one in handles[::2]] == [JobState.DEAD] * 5
        assert [one.refresh().state for one in handles[1::2]] == [JobState.SUCCEEDED] * 5

    def test_a_handler_that_is_quick_enough_keeps_its_result(self, site: Site) -> None:
        handle = site.job(say_done, name="quick", timeout=30).enqueue()
        site.work()

        assert handle.refresh().result == "done"


@pytest.mark.parametrize("seconds", [-math.inf, 0.0, math.inf, math.nan])
def test_a_timeout_can_be_waited_for_whatever_a_row_says(seconds: float) -> None:
    assert bounded(seconds) <= threading.TIMEOUT_MAX


def say_done() -> str:
    return "done"


class TestArmed:
    def test_what_is_fired_after_the_handler_has_ended_reaches_nobody(self) -> None:
        armed = Armed(threading.get_ident())
        armed.disarm()

        assert armed.fire(JobTimedOut) is False

    def test_what_was_fired_and_not_delivered_is_taken_back(self) -> None:
        armed: list[Armed] = []
        entered, leave = threading.Lock(), threading.Lock()
        entered.acquire()
        leave.acquire()

        def handler_and_worker() -> None:
            armed.append(Armed(threading.get_ident()))
            # One call of C that says so and waits: no Python runs, so nothing can be delivered.
            any(map(operator.call, (entered.release, leave.acquire)))
            spin_a_while()  # the worker's own code

        with ThreadPoolExecutor(1) as pool:
            thread = pool.submit(handler_and_worker)
            assert entered.acquire(timeout=PATIENCE)
            fired = armed[0].fire(JobTimedOut)
            armed[0].disarm()
            leave.release()
            error = thread.exception(PATIENCE)

        assert (fired, error) == (True, None)

    def test_it_fires_once(self) -> None:
        fired = []

        def fire_twice() -> None:
            armed = Armed(threading.get_ident())
            with suppress(JobTimedOut):
                fired.append(armed.fire(JobTimedOut))
            with suppress(JobTimedOut):
                fired.append(armed.fire(JobTimedOut))
            armed.disarm()

        thread = threading.Thread(target=fire_twice)
        thread.start()
        thread.join(PATIENCE)

        assert fired.count(True) <= 1
        assert fired[-1] is False


def spin_a_while() -> None:
    for _ in range(10_000):
        pass


class TestWatch:
    def test_a_deadline_that_was_met_fires_nothing(self) -> None:
        time = Time()
        watch = AWatch(elapsed=time)
        met = held_for(5)
        watch.run(met, int)
        time.passes(10)
        # Wakes the watching thread, which finds the first deadline past.
        watch.run(held_for(100), spin_a_while)
        watch.stop()

        assert met.armed is not None
        assert met.armed.because is None

    @pytest.mark.parametrize("seconds", [math.inf, math.nan, 1e300])
    def test_one_that_cannot_be_waited_for_keeps_no_other_from_firing(self, seconds: float) -> None:
        watch = AWatch()

        def wait_for_the_other() -> None:
            with pytest.raises(JobTimedOut):
                watch.run(held_for(0.01), spin)
            spin_a_while()

        watch.run(held_for(seconds), wait_for_the_other)
        watch.stop()

    def test_the_nearest_deadline_is_the_first_to_fire(self) -> None:
        watch = AWatch()
        order = []

        def run(name: str, seconds: float) -> None:
            try:
                watch.run(held_for(seconds), spin)
            except JobTimedOut:
                order.append(name)

        threads = [
            threading.Thread(target=run, args=spec) for spec in (("late", 0.3), ("soon", 0.05))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        watch.stop()

        assert order == ["soon", "late"]

    def test_it_needs_no_thread_before_somebody_has_a_deadline(self) -> None:
        before = threading.active_count()
        watch = AWatch()

        assert threading.active_count() == before
        watch.stop()

    @pytest.mark.parametrize("seconds", [0.0, 1e-6, 1e-5, 5e-5, 1e-4])
    def test_at_any_moment_it_hits_the_block_or_nothing(self, seconds: float) -> None:
        """Deadlines as short as the block itself: some come before it, in it, and after it."""
        watch = AWatch()
        strays, hits = [], []

        def race() -> None:
            for _ in range(400):
                try:
                    watch.run(held_for(seconds), spin_a_while_shorter)
                except JobTimedOut:
                    hits.append(1)
                try:
                    spin_a_while_shorter()  # the worker's own code, and the next job
                except JobTimedOut:
                    strays.append(1)

        errors = []
        thread = threading.Thread(target=lambda: errors.append(caught(race)))
        thread.start()
        thread.join(PATIENCE * 3)
        alive = thread.is_alive()
        watch.stop()

        assert (alive, errors, strays) == (False, [None], [])

    def test_a_watch_survives_a_handler_that_it_has_hit(self) -> None:
        watch = AWatch()
        for _ in range(3):
            with pytest.raises(JobTimedOut):
                watch.run(held_for(0.01), spin)
        watch.stop()


def spin_a_while_shorter() -> None:
    for _ in range(300):
        pass


def test_what_has_ended_in_time_is_forgotten() -> None:
    watch = AWatch()
    for _ in range(1_000):
        watch.run(held_for(3600), int)
    watch.stop()

    assert len(watch.watching) <= 2 * Watching.LEAST_KEPT
