"""Handlers in processes of their own, under a worker in the process of the test."""

from typing import Any

import pytest

from django_jobqueue import Constant, DeathReason, JobHandle, JobState, Queue
from django_jobqueue.jobs.control import cancel
from django_jobqueue.models import Job, WorkerRecord
from django_jobqueue.worker.options import Recycling
from tests.acceptance import isolated_jobs as jobs

from .apart import PATIENCE, Apart
from .site import COMMITTED, Site, the_attempt_of, within

pytestmark = COMMITTED

#: The heartbeat brings the requests to cancel.
QUICK: dict[str, Any] = {"timeout_grace": 0.3, "heartbeat_interval": 0.05, "lease": 5}


class TestProcesses:
    def test_a_job_runs_in_a_process_that_its_worker_has_started(self, apart: Apart) -> None:
        handle = jobs.tell_process.enqueue()
        apart.work()

        [process, parent] = handle.refresh().result
        assert parent == apart.pid
        assert process != apart.pid
        assert not apart.is_running(process), "it does not outlive its worker"

    def test_an_async_one_does_too(self, apart: Apart) -> None:
        handle = jobs.tell_process_async.enqueue()
        apart.work()

        assert handle.refresh().result[1] == apart.pid

    def test_the_next_job_has_the_same_process(self, apart: Apart) -> None:
        handles = [jobs.tell_process.enqueue(), jobs.tell_process_async.enqueue()] * 3
        apart.work(concurrency=1)

        assert len({handle.refresh().result[0] for handle in handles}) == 1

    def test_one_job_has_a_process_to_itself(self, apart: Apart) -> None:
        gate = apart.folder / "gate"
        handles = [jobs.wait_for.enqueue(str(gate)) for _ in range(4)]
        with apart.working(concurrency=2):
            first = apart.noted("start", times=2)
            assert len(set(first)) == 2
            assert Job.objects.filter(state=JobState.RUNNING, attempted_at=None).count() <= 4
            gate.touch()
            assert {handle.wait(PATIENCE).state for handle in handles} == {JobState.SUCCEEDED}

        assert set(apart.noted("start", times=4)) == set(first), "and there are no more than slots"

    def test_a_process_that_ran_its_share_of_jobs_is_not_kept(self, apart: Apart) -> None:
        handles = [jobs.tell_process.enqueue() for _ in range(3)]
        apart.work(options={"recycling": Recycling(jobs=2)}, concurrency=1)

        assert len({handle.refresh().result[0] for handle in handles}) == 2

    def test_nor_is_one_that_holds_too_much_memory(self, apart: Apart) -> None:
        handles = [jobs.tell_process.enqueue() for _ in range(2)]
        apart.work(options={"recycling": Recycling(memory_bytes=1)}, concurrency=1)

        assert len({handle.refresh().result[0] for handle in handles}) == 2


class TestAnswers:
    @pytest.mark.parametrize(
        "kind",
        [
            "retry",
            "snooze",
            "cancel",
            "discard",
            "unprocessable",
            "error",
            "exit",
            "leak",
            "typed result",
        ],
    )
    def test_all_that_a_handler_can_answer_comes_back_as_from_a_thread(
        self, apart: Apart, kind: str
    ) -> None:
        there, here = jobs.answer.enqueue(kind), jobs.answer_beside.enqueue(kind)
        apart.work()

        assert told_of(there) == told_of(here)

    def test_progress_lines_checkpoints_and_jobs_of_its_own(self, apart: Apart) -> None:
        handle = jobs.use_context.enqueue()
        apart.work()

        attempt, timeout, other = handle.refresh().result
        assert (attempt, timeout) == (1, 60.0)
        assert handle.snapshot.progress == {"done": 3, "total": 3, "message": "done"}
        assert the_attempt_of(handle).log == ["a line"]
        assert JobHandle(other).refresh().state == JobState.SUCCEEDED

    def test_what_an_async_one_logged_before_it_failed(self, apart: Apart) -> None:
        handle = jobs.fail_with_log.enqueue()
        apart.work()

        attempt = the_attempt_of(handle)
        assert (handle.state, handle.snapshot.progress["done"]) == (JobState.DEAD, 1)
        assert attempt.log == ["a line"]
        assert attempt.error_type == "tests.acceptance.isolated_jobs.NoAccount"
        assert "fail_with_log" in attempt.traceback

    def test_one_that_fails_waits_as_long_as_its_queue_says(self, apart: Apart) -> None:
        Queue("slow").configure(backoff=Constant(1234, jitter=0))
        handle = jobs.fail_with_log.using(queue="slow", max_attempts=2).enqueue()
        apart.work()

        waits = handle.refresh().snapshot.run_at - the_attempt_of(handle).ended_at
        assert waits.total_seconds() == pytest.approx(1234, abs=30)

    def test_arguments_may_be_larger_than_the_line_takes_at_once(self, apart: Apart) -> None:
        handle = jobs.measure.enqueue("ü" * 130_000)
        apart.work(heartbeat_interval=1000, lease=4000)  # no beat takes the rest along

        assert handle.refresh().result == 130_000


def told_of(handle: JobHandle) -> list[object]:
    """All that a run leaves behind, but for its place in the code."""
    it = handle.refresh().snapshot
    waits = it.state == JobState.SCHEDULED and it.run_at - handle.attempts[-1].ended_at
    attempts = [(one.attempt, one.outcome, one.error_type, one.message) for one in handle.attempts]
    counters = (it.attempt, it.reprocess_count, it.rescues)
    return [
        it.state,
        it.reason,
        it.result,
        it.error,
        waits and round(waits.total_seconds()),
        attempts,
        counters,
    ]


class TestTooLate:
    def test_a_timeout_kills_what_holds_the_interpreter(self, apart: Apart) -> None:
        stuck, neighbour = jobs.hold.enqueue(), jobs.answer_beside.enqueue("typed result")
        with apart.working(**QUICK):
            assert neighbour.wait(PATIENCE).state == JobState.SUCCEEDED
            assert stuck.wait(PATIENCE).state == JobState.DEAD

        assert stuck.snapshot.reason == DeathReason.EXHAUSTED
        assert the_attempt_of(stuck).error_type == "django_jobqueue.core.errors.JobTimedOut"
        [process] = apart.noted("hold")
        assert not apart.is_running(process)
        assert apart.told.of("worker.declared_dead") == [], "heartbeats went on"

    def test_and_the_programs_that_it_has_started(self, apart: Apart) -> None:
        handle = jobs.start_program.enqueue()
        with apart.working(**QUICK):
            assert handle.wait(PATIENCE).state == JobState.DEAD
            [program] = apart.noted("program")
            assert within(PATIENCE, lambda: not apart.is_running(program))


class TestCancelled:
    def test_one_that_listens_ends_by_itself(self, apart: Apart) -> None:
        handle = jobs.listen.enqueue()
        with apart.working(**{**QUICK, "timeout_grace": 3600}):
            apart.noted("listen")
            cancel(handle.id)
            assert handle.wait(PATIENCE).state == JobState.CANCELLED

        assert apart.noted("told") == ["cancelled"]
        assert apart.told.of("job.killed") == []

    def test_an_async_one_is_cancelled_where_it_waits(self, apart: Apart) -> None:
        handle = jobs.wait_async.enqueue()
        with apart.working(**{**QUICK, "timeout_grace": 3600}):
            apart.noted("wait")
            cancel(handle.id)
            assert handle.wait(PATIENCE).state == JobState.CANCELLED

        assert apart.told.of("job.killed") == []

    def test_one_that_goes_on_is_killed_after_the_grace(self, apart: Apart) -> None:
        handle = jobs.be_deaf.enqueue()
        with apart.working(**QUICK):
            [process] = apart.noted("deaf")
            cancel(handle.id)
            assert handle.wait(PATIENCE).state == JobState.CANCELLED
            assert not apart.is_running(process)

        assert apart.noted("told") == ["cancelled"], "it was asked first"
        assert the_attempt_of(handle).log == ["I hear nothing"]
        assert len(apart.told.of("job.killed")) == 1


class TestDied:
    def test_only_its_own_job_is_concerned_and_the_signal_is_named(self, apart: Apart) -> None:
        gate = apart.folder / "gate"
        neighbours = [jobs.wait_for.enqueue(str(gate)), jobs.wait_for_beside.enqueue(str(gate))]
        guilty = jobs.crash.enqueue()
        with apart.working(concurrency=3):
            apart.hears_of("job.rescheduled")
            gate.touch()
            for neighbour in neighbours:
                assert neighbour.wait(PATIENCE).state == JobState.SUCCEEDED
                assert (neighbour.snapshot.attempt, neighbour.snapshot.rescues) == (1, 0)

        it = guilty.refresh().snapshot
        assert (it.state, it.attempt, it.rescues) == (JobState.READY, 0, 1)
        assert it.error == {"type": "WorkerDied", "message": "killed by SIGSEGV"}
        [died] = apart.told.of("job_process.died")
        assert died["cause"] == "killed by SIGSEGV"
        attempt = the_attempt_of(guilty)
        assert (attempt.outcome, attempt.message) == ("rescued", "killed by SIGSEGV")
        assert attempt.started_at is not None

    def test_a_job_that_kills_its_process_each_time_is_poison(self, apart: Apart) -> None:
        guilty = jobs.crash.enqueue()
        apart.work()
        apart.work(suspects=True)

        assert (guilty.refresh().state, guilty.snapshot.rescues) == (JobState.DEAD, 3)
        assert guilty.snapshot.reason == DeathReason.POISON
        assert "killed by SIGSEGV" in str(guilty.error)
        assert len(apart.noted("crash", times=3)) == 3

    @pytest.mark.parametrize("status", [0, 7])
    def test_a_process_that_ended_itself_did_not_answer(self, apart: Apart, status: int) -> None:
        handle = jobs.leave.enqueue(status)
        apart.work()

        assert the_attempt_of(handle).message == f"exited with status {status}"

    def test_a_copy_of_it_does_not_hide_its_death(self, apart: Apart) -> None:
        handle = jobs.fork_and_crash.enqueue()
        apart.work()

        assert the_attempt_of(handle).message == "killed by SIGSEGV"

    def test_one_that_was_cancelled_meanwhile_is_cancelled(self, apart: Apart) -> None:
        handle = jobs.crash_when_cancelled.enqueue()
        with apart.working(**{**QUICK, "timeout_grace": 3600}):
            apart.noted("listen")
            cancel(handle.id)
            assert handle.wait(PATIENCE).state == JobState.CANCELLED


class TestGivenBack:
    def test_at_the_end_of_a_drain(self, apart: Apart) -> None:
        handle = jobs.hold_for_ever.enqueue()
        with apart.working(drain=0.1) as running:
            [process] = apart.noted("hold")

        it = handle.refresh().snapshot
        assert (it.state, it.attempt, it.rescues) == (JobState.READY, 0, 0)
        assert not apart.is_running(process)
        assert not running.worker.abandoned

    def test_when_the_worker_was_declared_dead(self, apart: Apart) -> None:
        handle = jobs.hold_for_ever.enqueue()
        with apart.working(**QUICK):
            [process] = apart.noted("hold")
            WorkerRecord.objects.update(state="dead")
            apart.hears_of("job.killed")
            assert within(PATIENCE, lambda: not apart.is_running(process))
            assert handle.refresh().snapshot.rescues == 0

    def test_when_there_is_no_process_to_be_had(
        self, apart: Apart, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.no_such_settings")
        handle = jobs.tell_process.enqueue()
        apart.work()

        it = handle.refresh().snapshot
        assert (it.state, it.attempt, it.reprocess_count) == (JobState.SCHEDULED, 0, 0)
        assert len(apart.told.of("job_process.not_started")) == 1
        assert "it exited with status 1" in the_attempt_of(handle).message

    def test_when_its_process_does_not_know_the_handler(self, apart: Apart, site: Site) -> None:
        handle = site.job(lambda: None, name="known.here", isolation="process").enqueue()
        apart.work(options={"registry": site.registry})

        assert (handle.refresh().state, handle.snapshot.attempt) == (JobState.SCHEDULED, 0)
        assert "no handler named 'known.here'" in the_attempt_of(handle).message

    def test_when_no_other_process_could_load_the_settings(
        self, apart: Apart, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
        handle = jobs.tell_process.enqueue()
        apart.work()

        assert (handle.refresh().state, handle.snapshot.attempt) == (JobState.SCHEDULED, 0)
        assert "DJANGO_SETTINGS_MODULE" in the_attempt_of(handle).message
