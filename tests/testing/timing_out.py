"""Handlers that take longer than they may, by a clock that stands still unless they move it."""

from collections.abc import Callable

from django.contrib.auth.models import Group

from django_jobqueue import JobTimedOut
from django_jobqueue.testing import run_jobs

from .clocks import StoppedTime
from .jobs import act, act_async, acts, break_down


class TimingOut(StoppedTime):
    def takes(self, seconds: float, then: Callable[[], object] = lambda: None) -> None:
        def work() -> object:
            self.pass_time(seconds)
            return then()

        acts["works"] = work

    def test_a_statement_that_comes_after_the_timeout_is_not_made(self) -> None:
        self.takes(31, then=lambda: Group.objects.create(name="too late"))
        handle = act.using(timeout=30).enqueue("works")

        [run] = run_jobs()

        assert (run.outcome, type(run.error)) == ("failed", JobTimedOut)
        assert not Group.objects.exists()
        self.pass_time(60)
        run_jobs()
        assert handle.refresh().snapshot.attempt == 2

    def test_an_answer_that_comes_after_the_timeout_does_not_count(self) -> None:
        self.takes(31, then=lambda: "done")
        handle = act.using(timeout=30, max_attempts=1).enqueue("works")

        run_jobs()

        assert handle.refresh().error == {
            "type": "django_jobqueue.core.errors.JobTimedOut",
            "message": JobTimedOut.message,
        }

    def test_an_error_that_comes_after_the_timeout_is_a_timeout(self) -> None:
        self.takes(31, then=break_down)
        act.using(timeout=30).enqueue("works")

        [run] = run_jobs()

        assert type(run.error) is JobTimedOut

    def test_an_async_handler_is_timed_out_as_well(self) -> None:
        self.takes(31, then=lambda: Group.objects.create(name="too late"))
        act_async.using(timeout=30).enqueue("works")

        [run] = run_jobs()

        assert (run.outcome, type(run.error)) == ("failed", JobTimedOut)
        assert not Group.objects.exists()

    def test_what_is_done_in_time_counts(self) -> None:
        self.takes(30, then=lambda: Group.objects.create(name="in time").name)
        act.using(timeout=30).enqueue("works")

        assert run_jobs().counts == {"succeeded": 1}
        assert Group.objects.exists()

    def test_a_worker_outlives_a_handler_that_takes_a_week(self) -> None:
        self.takes(7 * 86_400)
        act.enqueue("works")
        act.enqueue("next")

        assert run_jobs(concurrency=2).counts == {"succeeded": 2}
