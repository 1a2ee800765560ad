"""What run_jobs can be told, and what it tells."""

import asyncio
from datetime import datetime, timedelta

import pytest
from django.test import TestCase
from freezegun import freeze_time

from django_jobqueue import JobState, Queue, signals
from django_jobqueue.core.specs import NewJob
from django_jobqueue.models import WorkerRecord
from django_jobqueue.store import store_for
from django_jobqueue.testing import QueueClock, arun_jobs, run_jobs
from django_jobqueue.testing import running as running_module
from django_jobqueue.testing.claiming import SteadyMembership
from tests.worker.bench import LEASE, Time
from tests.worker.site import PATIENCE

from .jobs import (
    Broken,
    act,
    act_async,
    acts,
    asked,
    break_down,
    isolated,
    permitted,
    permitted_async,
    told,
)


@pytest.fixture(autouse=True)
def nothing_told(db: None) -> None:
    told.clear()
    acts.clear()
    asked.clear()


class TestOptions:
    def test_only_the_queues_that_were_named_are_served(self) -> None:
        for queue in ("mail", "reports", "rest"):
            act.using(queue=queue).enqueue(queue)

        assert [run.queue for run in run_jobs(queue="mail")] == ["mail"]
        run_jobs(queue=["reports", "mail"])
        assert told == ["mail", "reports"]

    def test_a_limit_leaves_the_rest_as_it_was(self) -> None:
        handles = act.enqueue_many([[name] for name in "abc"])

        runs = run_jobs(limit=2, concurrency=3)

        assert told == ["a", "b"]
        assert runs.counts == {"succeeded": 2}
        left = handles[2].refresh().snapshot
        assert (left.state, left.attempt) == (JobState.READY, 0)

    def test_the_first_error_is_raised_once_it_is_recorded(self) -> None:
        acts["fails"] = break_down
        first = act.enqueue("fails")
        second = act.enqueue("fails")

        with pytest.raises(Broken, match="on purpose"):
            run_jobs(raise_errors=True)

        assert first.refresh().attempts[0].error_type.endswith("Broken")
        assert second.refresh().snapshot.attempt == 0

    def test_what_a_paused_queue_holds_does_not_run(self) -> None:
        act.enqueue("waits")
        Queue("default").pause("closed")

        assert len(run_jobs()) == 0

    def test_what_jobs_enqueue_runs_in_the_same_call(self) -> None:
        acts["first"] = lambda: act.enqueue("second") and None
        act.enqueue("first")

        assert [run.outcome for run in run_jobs()] == ["succeeded"] * 2
        assert told == ["first", "second"]

    def test_a_job_that_enqueues_itself_for_ever_is_found_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(running_module, "MOST_RUNS", 20)
        acts["again"] = lambda: act.enqueue("again") and None
        act.enqueue("again")

        with pytest.raises(RuntimeError, match=r"(?s)20 runs.*testing\.act.*limit="):
            run_jobs()

        assert len(run_jobs(limit=3)) == 3

    def test_jobs_cannot_run_jobs(self) -> None:
        acts["runs"] = lambda: run_jobs() and None
        act.enqueue("runs")

        [run] = run_jobs()

        assert "called by a job" in str(run.error)

    def test_the_time_to_go_to_must_name_a_moment(self) -> None:
        with pytest.raises(ValueError, match="names no moment"):
            run_jobs(until=datetime(2031, 1, 1))  # noqa: DTZ001 - that is what is refused

    def test_who_froze_the_clock_must_hand_it_in_to_be_moved(self) -> None:
        with freeze_time("2031-01-01"), pytest.raises(ValueError, match="clock=frozen"):
            run_jobs(until=timedelta(hours=1))

    def test_without_any_frozen_clock_it_moves_for_the_queue_alone(self) -> None:
        act.using(delay=3600).enqueue("later")

        assert len(run_jobs(until=timedelta(minutes=59))) == 0
        assert len(run_jobs(until=timedelta(minutes=61))) == 1

    def test_a_clock_of_the_queue_that_is_open_is_the_one_that_moves(self) -> None:
        with QueueClock() as clock:
            before = clock.now()
            run_jobs(until=timedelta(hours=1))
            assert clock.now() - before == timedelta(hours=1)

    def test_the_clock_is_never_turned_back(self) -> None:
        with QueueClock() as clock:
            begin = clock.now()
            acts["sleeps"] = lambda: clock.tick(days=1)
            act.enqueue("sleeps")

            run_jobs(until=timedelta(hours=1))
            run_jobs(until=begin)

            assert clock.now() - begin == timedelta(days=1)


class Broke(BaseException):
    """As pytest raises when a test fails."""


class TestInterrupts:
    @pytest.mark.parametrize("error", [KeyboardInterrupt, Broke])
    @pytest.mark.parametrize("handler", [act, act_async])
    def test_what_is_meant_for_the_test_gets_there(self, handler, error) -> None:
        def interrupt() -> None:
            raise error

        acts["runs"] = interrupt
        handle = handler.enqueue("runs")
        act.using(priority=-1).enqueue("next")

        with pytest.raises(error):
            run_jobs()

        assert told == ["runs"]
        assert handle.refresh().attempts[0].error_type.endswith(error.__name__)

    @pytest.mark.parametrize("error", [SystemExit, GeneratorExit, asyncio.CancelledError])
    def test_what_ends_a_handler_alone_fails_its_attempt(self, error) -> None:
        def leave() -> None:
            raise error

        acts["leaves"] = leave
        act.enqueue("leaves")
        act.using(priority=-1).enqueue("next")

        assert run_jobs().counts == {"failed": 1, "succeeded": 1}


class TestWhatIsTold:
    def test_runs_are_told_one_line_each(self) -> None:
        acts["fails"] = break_down
        act.enqueue("fails")
        act.enqueue("works")

        lines = repr(run_jobs()).splitlines()

        assert lines[0] == "<2 runs>"
        assert lines[1].endswith("attempt 1: failed, Broken('on purpose')")
        assert lines[2].endswith("attempt 1: succeeded")

    def test_runs_can_be_asked_for_by_their_handler(self) -> None:
        act.enqueue("one")
        act_async.enqueue("two")

        runs = run_jobs()

        assert [run.handler for run in runs.of(act_async)] == ["testing.act_async"]
        assert len(runs.of("testing.act")) == len(runs[:1]) == 1

    def test_signals_are_sent_as_a_worker_sends_them(self) -> None:
        heard: list[object] = []

        def hear(sender: object, **facts: object) -> None:
            heard.append(facts["result"])

        acts["works"] = lambda: "done"
        signals.succeeded.connect(hear)
        try:
            act.enqueue("works")
            run_jobs()
        finally:
            signals.succeeded.disconnect(hear)

        assert heard == ["done"]

    def test_a_job_without_a_handler_is_released_as_by_a_worker(self) -> None:
        store_for("default").insert(NewJob(handler="nobody.knows"))

        [run] = run_jobs()

        assert (run.outcome, run.attempt) == ("released", 1)
        assert run.job is not None
        assert run.job.state == JobState.SCHEDULED

    def test_the_worker_has_said_good_bye(self) -> None:
        run_jobs()

        [worker] = WorkerRecord.objects.all()
        assert worker.state == "stopped"

    def test_an_isolated_handler_runs_in_the_process_of_the_test(self) -> None:
        isolated.enqueue("here")

        assert run_jobs().counts == {"succeeded": 1}
        assert told == ["here"]


def test_a_worker_that_a_debugger_holds_up_goes_on_as_if_nothing_had_happened() -> None:
    time = Time()
    membership = SteadyMembership(lease=LEASE, elapsed=time)
    membership.renewed(membership.moment())

    time.passes(3600)

    assert membership.may_claim()
    assert membership.may_reap()
    assert not membership.is_in_doubt()


class TestPermits:
    @pytest.mark.parametrize("handler", [permitted, permitted_async])
    def test_a_strategy_is_asked_before_each_run(self, handler, settings) -> None:
        settings.JOBQUEUE = {"PERMIT_WAIT": PATIENCE}
        asked.extend([True, False, True])
        handler.enqueue("first")
        handler.enqueue("second")

        with freeze_time("2031-03-01") as frozen:
            runs = run_jobs()
            assert (told, runs.counts) == (["first"], {"succeeded": 1})

            frozen.tick(60)
            assert run_jobs().counts == {"succeeded": 1}


class TestAsync(TestCase):
    async def test_an_async_test_runs_jobs_of_both_kinds(self) -> None:
        await act_async.aenqueue("async")
        await act.aenqueue("sync")

        runs = await arun_jobs()

        assert runs.counts == {"succeeded": 2}
        assert told == ["async", "sync"]
