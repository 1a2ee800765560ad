"""A pump that ends when nothing is due."""

import threading

import pytest
from django.db import connections

from django_jobqueue import JobState, Queue
from django_jobqueue.core.clock import monotonic
from django_jobqueue.models import Job
from django_jobqueue.service import StopSender

from .bench import Bench
from .site import COMMITTED, PATIENCE

pytestmark = pytest.mark.django_db


class TestUntilEmpty:
    """At its end the pump closes its connection, so what it sees must be committed."""

    pytestmark = COMMITTED

    def test_it_returns_once_nothing_is_due(self) -> None:
        Bench(until_empty=True, elapsed=monotonic).pump.run(StopSender().receiver())

    def test_it_promotes_what_has_become_due(self) -> None:
        bench = Bench(until_empty=True, elapsed=monotonic)
        due = bench.enqueue(delay=3600)
        Job.objects.update(run_at="2020-01-01T00:00:00Z")
        threads = _ending_jobs_as_they_come(bench)

        bench.pump.run(StopSender().receiver())
        threads.join()

        assert bench.state_of(due) == JobState.SUCCEEDED

    def test_what_is_due_later_is_left(self) -> None:
        bench = Bench(until_empty=True, elapsed=monotonic)
        later = bench.enqueue(delay=3600)

        bench.pump.run(StopSender().receiver())

        assert bench.state_of(later) == JobState.SCHEDULED

    def test_it_waits_for_others_that_are_not_idle(self) -> None:
        asked = threading.Semaphore(0)
        idle = threading.Event()

        def others_are_idle() -> bool:
            asked.release()
            return idle.is_set()

        bench = Bench(until_empty=True, others_are_idle=others_are_idle, elapsed=monotonic)

        def run() -> None:
            try:
                bench.pump.run(StopSender().receiver())
            finally:
                connections.close_all()

        pump = threading.Thread(target=run)
        pump.start()
        assert asked.acquire(timeout=PATIENCE)
        assert not bench.pump.drained.is_set()

        idle.set()
        bench.pump.wake()

        pump.join(PATIENCE)
        assert bench.pump.drained.is_set()

    def test_a_paused_queue_does_not_keep_it(self) -> None:
        bench = Bench(until_empty=True, elapsed=monotonic)
        Queue("mail").pause()
        waiting = bench.enqueue(queue="mail")

        bench.pump.run(StopSender().receiver())

        assert bench.state_of(waiting) == JobState.READY


def _ending_jobs_as_they_come(bench: Bench) -> threading.Thread:
    """End the first job that begins, from another thread, as a runner would."""
    submitted = threading.Event()
    submit = bench.sync.submit

    def submit_and_tell(jobs: object) -> None:
        submit(jobs)  # type: ignore[arg-type]
        submitted.set()

    bench.sync.submit = submit_and_tell  # type: ignore[method-assign]

    def end() -> None:
        assert submitted.wait(10)
        bench.end_all()

    thread = threading.Thread(target=end)
    thread.start()
    return thread
