"""Django's own cases of running tasks, with a real worker."""

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from django_jobqueue import JobHandle, JobState, Unprocessable
from django_jobqueue.backends import JobQueueBackend, JobTaskContext
from django_jobqueue.backends.framework import TaskResultStatus
from tests import tasks
from tests.worker.site import COMMITTED

from .conftest import TaskWorker, Told

pytestmark = COMMITTED
READY, RUNNING = TaskResultStatus.READY, TaskResultStatus.RUNNING
FAILED, SUCCESSFUL = TaskResultStatus.FAILED, TaskResultStatus.SUCCESSFUL
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def run(worker: TaskWorker, *enqueued: Any) -> list[Any]:
    """The refreshed results, once a worker has run all that is due."""
    worker.work()
    for result in enqueued:
        result.refresh()
    return list(enqueued)


class TestSuccess:
    def test_sync_and_async_tasks_succeed(self, worker: TaskWorker) -> None:
        noop = (tasks.noop_task, tasks.noop_task_async)
        for result in run(worker, *[task.enqueue(1, two=3) for task in noop]):
            assert (result.status, result.is_finished) == (SUCCESSFUL, True)
            assert result.enqueued_at <= result.started_at <= result.finished_at
            assert result.last_attempted_at == result.started_at
            assert (result.return_value, result.errors) == (None, [])
            assert (result.args, result.kwargs) == ([1], {"two": 3})
            assert (result.attempts, len(result.worker_ids)) == (1, 1)
            assert result == result.task.get_result(result.id)

    def test_an_async_task_begins_while_another_waits_for_the_database(
        self, worker: TaskWorker
    ) -> None:
        tasks.opened.clear()
        [waited] = run(worker, tasks.wait_in_the_shared_thread.enqueue())

        assert waited.return_value is True

    def test_what_they_return_is_kept(self, worker: TaskWorker) -> None:
        values = [1, "two", [3.0, None], {"four": {"five": True}}]
        of_life = [tasks.calculate_meaning_of_life, tasks.calculate_meaning_of_life_async]
        results = run(
            worker,
            *[task.enqueue() for task in of_life],
            *tasks.give_back.enqueue_many([[value] for value in values]),
        )

        assert [result.return_value for result in results] == [42, 42, *values]

    def test_the_context_knows_the_result_of_the_running_attempt(self, worker: TaskWorker) -> None:
        ids = [tasks.get_task_id, tasks.get_task_id_async]
        [sync, asynchronous, told] = run(
            worker, *[task.enqueue() for task in ids], tasks.tell_attempt.enqueue(1)
        )

        assert (sync.return_value, asynchronous.return_value) == (sync.id, asynchronous.id)
        workers = told.worker_ids
        assert told.return_value == {"attempt": 1, "status": "RUNNING", "workers": workers}

    def test_the_context_leads_to_the_context_of_the_job(self, worker: TaskWorker) -> None:
        [result] = run(worker, tasks.report_progress.enqueue(3))

        handle = JobHandle.get(int(result.id))
        assert handle.snapshot.progress == {"done": 3, "total": 3, "message": ""}
        assert handle.attempts[0].log == ["counted to 3"]
        assert issubclass(JobTaskContext, tasks.TaskContext)


class TestFailure:
    @pytest.mark.parametrize(
        ("task", "error"),
        [
            (tasks.failing_task_value_error, ValueError),
            (tasks.failing_task_async, ValueError),
            (tasks.failing_task_system_exit, SystemExit),
            (tasks.failing_task_keyboard_interrupt, KeyboardInterrupt),
        ],
    )
    def test_an_exception_ends_the_task_at_once(
        self, worker: TaskWorker, task: Any, error: type[BaseException]
    ) -> None:
        [result] = run(worker, task.enqueue())

        assert (result.status, result.is_finished, result.attempts) == (FAILED, True, 1)
        assert result.enqueued_at <= result.started_at <= result.finished_at
        assert result.last_attempted_at == result.started_at
        with pytest.raises(ValueError, match="Task failed"):
            _ = result.return_value
        [told] = result.errors
        assert told.exception_class is error
        assert told.traceback.startswith("Traceback (most recent call last):\n")
        assert told.traceback.endswith(
            f"{error.__name__}: This Task failed due to {error.__name__}\n"
        )

    def test_an_exception_may_hold_others(self, worker: TaskWorker) -> None:
        [result] = run(worker, tasks.complex_exception.enqueue())

        assert result.errors[0].exception_class is ValueError
        assert 'ValueError(ValueError("This task failed"))' in result.errors[0].traceback

    @pytest.mark.parametrize(
        ("kind", "why"),
        [
            ("a function", "Unsupported type"),
            ("a set", "Unsupported type"),
            ("NaN", "JSON has no form for"),
            ("NUL", "PostgreSQL cannot store"),
            ("a number as key", "the keys of JSON objects are text"),
            ("too much", "65,536"),
        ],
    )
    def test_a_value_that_is_no_json_fails_the_task(
        self, worker: TaskWorker, kind: str, why: str
    ) -> None:
        [result] = run(worker, tasks.return_what_is_no_json.enqueue(kind))

        assert (result.status, result.attempts, result._return_value) == (FAILED, 1, None)
        [told] = result.errors
        assert told.exception_class is TypeError
        assert why in told.traceback
        assert JobHandle.get(int(result.id)).snapshot.reason == "unprocessable"

    def test_a_value_of_an_async_task_is_judged_alike(self, worker: TaskWorker) -> None:
        [result] = run(worker, tasks.return_what_is_no_json_async.enqueue())

        assert result.errors[0].exception_class is TypeError

    def test_a_call_that_no_longer_fits_ends_the_task_before_it_runs(
        self, worker: TaskWorker
    ) -> None:
        result = tasks.calculate_meaning_of_life.enqueue()
        from django_jobqueue.models import Job

        Job.objects.filter(pk=result.id).update(payload={"args": [1], "kwargs": {}})

        [result] = run(worker, result)

        assert result.errors[0].exception_class is Unprocessable
        assert "too many positional arguments" in result.errors[0].traceback


class TestSignals:
    def test_each_is_sent_once_with_the_result_as_it_was_then(
        self, worker: TaskWorker, told: Told
    ) -> None:
        result = tasks.noop_task.enqueue()
        run(worker, result)

        assert [name for name, _, _ in told] == ["task_enqueued", "task_started", "task_finished"]
        assert {sender for _, sender, _ in told} == {JobQueueBackend}
        assert [of.status for _, _, of in told] == [READY, RUNNING, SUCCESSFUL]
        assert [of.attempts for _, _, of in told] == [0, 1, 1]
        assert {of.id for _, _, of in told} == {result.id}

    def test_they_tell_what_the_record_will_tell(self, worker: TaskWorker, told: Told) -> None:
        results = run(
            worker,
            tasks.calculate_meaning_of_life_async.enqueue(),
            tasks.fail_twice.enqueue(),
            tasks.answer.enqueue("cancel"),
            tasks.noop_task.using(expires_at=LONG_AGO).enqueue(),
        )

        finished = {of.id: of for name, _, of in told if name == "task_finished"}
        for result in results:
            of = finished[result.id]
            assert (of.status, of.errors, of.worker_ids) == (
                result.status,
                result.errors,
                result.worker_ids,
            )
            assert (of._return_value, of.started_at) == (result._return_value, result.started_at)
            assert of.last_attempted_at == result.last_attempted_at
            assert of.is_finished

    def test_a_retry_starts_again_and_finishes_once(self, worker: TaskWorker, told: Told) -> None:
        run(worker, tasks.succeed_at_last.enqueue(), tasks.succeed_at_last_async.enqueue())

        names = sorted(name for name, _, _ in told)
        assert names == ["task_enqueued"] * 2 + ["task_finished"] * 2 + ["task_started"] * 6
        attempts = [of.attempts for name, _, of in told if name == "task_started"]
        assert sorted(attempts) == [1, 1, 2, 2, 3, 3]

    def test_a_receiver_that_raises_changes_nothing(self, worker: TaskWorker) -> None:
        from django_jobqueue.backends.framework import signals

        def refuse(**facts: Any) -> None:
            raise LookupError("a receiver")

        for signal in (signals.task_started, signals.task_finished):
            signal.connect(refuse)
        try:
            [result] = run(worker, tasks.calculate_meaning_of_life.enqueue())
        finally:
            for signal in (signals.task_started, signals.task_finished):
                signal.disconnect(refuse)

        assert result.return_value == 42

    def test_plain_jobs_send_none(self, worker: TaskWorker, told: Told) -> None:
        from tests.handlers import add

        handle = add.enqueue(1, 2)
        worker.work()

        assert handle.refresh().state == JobState.SUCCEEDED
        assert told == []

    def test_a_waiting_task_that_is_cancelled_has_failed(self, told: Told) -> None:
        result = tasks.noop_task.enqueue()
        JobHandle(int(result.id)).cancel("changed my mind")

        name, _, of = told[-1]
        assert (name, of.id, of.status, of.attempts) == ("task_finished", result.id, FAILED, 0)
        assert of.errors[0].traceback == "JobCancelled: changed my mind\n"
        result.refresh()
        assert of == result


class TestLogs:
    def test_three_lines_tell_of_a_success(
        self, worker: TaskWorker, caplog: pytest.LogCaptureFixture, log_of_tasks: str
    ) -> None:
        caplog.set_level(logging.DEBUG, logger=log_of_tasks)
        [result] = run(worker, tasks.noop_task.enqueue())

        lines = [one for one in caplog.records if one.name == log_of_tasks]
        path = "tests.tasks.noop_task"
        assert [one.getMessage() for one in lines] == [
            f"Task id={result.id} path={path} enqueued backend=default",
            f"Task id={result.id} path={path} state=RUNNING",
            f"Task id={result.id} path={path} state=SUCCESSFUL",
        ]
        assert [one.levelname for one in lines] == ["DEBUG", "INFO", "INFO"]
        assert "None" not in "".join(map(logging.Formatter().format, lines))

    @pytest.mark.parametrize("task", [tasks.failing_task_value_error, tasks.failing_task_async])
    def test_the_line_of_a_failure_has_the_exception(
        self, worker: TaskWorker, caplog: pytest.LogCaptureFixture, log_of_tasks: str, task: Any
    ) -> None:
        caplog.set_level(logging.ERROR, logger=log_of_tasks)
        [result] = run(worker, task.enqueue())

        [line] = [one for one in caplog.records if one.name == log_of_tasks]
        assert line.getMessage() == f"Task id={result.id} path={task.module_path} state=FAILED"
        assert line.exc_info is not None
        assert line.exc_info[0] is ValueError
        assert "This Task failed due to ValueError" in logging.Formatter().format(line)

    def test_the_line_of_a_task_that_did_not_run_says_why(
        self, worker: TaskWorker, caplog: pytest.LogCaptureFixture, log_of_tasks: str
    ) -> None:
        caplog.set_level(logging.ERROR, logger=log_of_tasks)
        run(worker, tasks.answer.enqueue("discard"))

        [line] = [one for one in caplog.records if one.name == log_of_tasks]
        assert "Discard: no such user" in logging.Formatter().format(line)
