"""How the record of a job reads as the result of a task."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_jobqueue import (
    Discard,
    HandlerNotRegistered,
    JobCancelled,
    JobExpired,
    JobHandle,
    JobLost,
    Retry,
    cancel,
    prune,
    requeue,
)
from django_jobqueue.backends.framework import (
    TaskResultDoesNotExist,
    TaskResultStatus,
    task_backends,
)
from django_jobqueue.models import ArchivedJob, DeadJob, Job
from django_jobqueue.store import store_for
from django_jobqueue.store.spool import Spool
from tests import tasks
from tests.jobs.conftest import Away
from tests.jobs.spools import flush
from tests.store.helpers import claim, register_worker
from tests.worker.site import COMMITTED

from .conftest import TaskWorker

pytestmark = COMMITTED
READY, RUNNING = TaskResultStatus.READY, TaskResultStatus.RUNNING
FAILED, SUCCESSFUL = TaskResultStatus.FAILED, TaskResultStatus.SUCCESSFUL
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def run(worker: TaskWorker, result: Any) -> Any:
    """The result once a worker has run what is due."""
    worker.work()
    result.refresh()
    return result


def seen(result: Any) -> tuple[Any, int, list[type]]:
    return result.status, result.attempts, [error.exception_class for error in result.errors]


class TestAttempts:
    def test_each_failed_one_leaves_an_error_and_each_one_a_worker(
        self, worker: TaskWorker
    ) -> None:
        result = run(worker, tasks.fail_twice.enqueue())

        assert seen(result) == (FAILED, 2, [OSError, OSError])
        assert len(result.worker_ids) == 2
        first, last = JobHandle(int(result.id)).attempts
        assert (result.started_at, result.last_attempted_at) == (first.started_at, last.started_at)
        assert result.finished_at >= result.last_attempted_at

    @pytest.mark.parametrize("task", [tasks.succeed_at_last, tasks.succeed_at_last_async])
    def test_a_success_keeps_the_errors_before_it(self, worker: TaskWorker, task: Any) -> None:
        result = run(worker, task.enqueue())

        assert seen(result) == (SUCCESSFUL, 3, [OSError, OSError])
        assert result.return_value == 3
        assert [error.traceback.rpartition("OSError: ")[2] for error in result.errors] == [
            "attempt 1\n",
            "attempt 2\n",
        ]
        job = JobHandle(int(result.id))
        assert result.started_at == job.attempts[0].started_at
        assert result.last_attempted_at == job.snapshot.attempted_at

    def test_between_two_it_is_ready_again(self, worker: TaskWorker) -> None:
        result = run(worker, tasks.noop_task.using(max_attempts=3).enqueue())
        retried = run(worker, tasks.failing_task_value_error.using(max_attempts=2).enqueue())

        assert seen(result) == (SUCCESSFUL, 1, [])
        assert seen(retried) == (READY, 1, [ValueError])
        assert retried.last_attempted_at == retried.started_at
        assert retried.finished_at is None

    def test_a_snooze_spends_none(self, worker: TaskWorker) -> None:
        result = run(worker, tasks.answer.enqueue("snooze"))

        assert seen(result) == (READY, 0, [])

    def test_a_requeued_one_begins_anew(self, worker: TaskWorker) -> None:
        result = run(worker, tasks.fail_twice.enqueue())
        requeue(int(result.id))

        result.refresh()
        assert seen(result) == (READY, 0, [])
        assert seen(run(worker, result)) == (FAILED, 2, [OSError, OSError])

    def test_errors_of_the_life_before_a_requeue_are_not_of_the_running_one(
        self, worker: TaskWorker
    ) -> None:
        result = run(worker, tasks.fail_twice.enqueue())
        requeue(int(result.id))
        claim(store_for("default"), register_worker())

        result.refresh()

        assert seen(result) == (RUNNING, 1, [])

    def test_nothing_is_told_to_come_before_the_enqueue(self, worker: TaskWorker) -> None:
        result = tasks.noop_task.enqueue()
        ahead = result.enqueued_at + timedelta(minutes=1)  # by the clock of who enqueued
        about = {"backend": "default", "enqueued_at": ahead.isoformat()}
        Job.objects.filter(pk=result.id).update(meta={"_task": about})

        run(worker, result)

        assert result.enqueued_at == result.started_at == result.finished_at == ahead

    def test_the_running_one_counts(self) -> None:
        result = tasks.noop_task.enqueue()
        store = store_for("default")
        worker_id = register_worker()
        [job] = claim(store, worker_id)

        result.refresh()

        assert seen(result) == (RUNNING, 1, [])
        assert result.worker_ids == [str(worker_id)]
        assert result.started_at == result.last_attempted_at
        assert result.started_at >= job.claimed_at


class TestEnds:
    """Why a task failed that did not simply raise."""

    @pytest.mark.parametrize(
        ("kind", "error", "text"),
        [
            ("cancel", JobCancelled, "JobCancelled: not today\n"),
            ("discard", Discard, "Discard: no such user\n"),
            ("retry", Retry, "Retry: busy\n"),
        ],
    )
    def test_by_its_own_answer(self, worker: TaskWorker, kind: str, error: type, text: str) -> None:
        result = run(worker, tasks.answer.enqueue(kind))

        assert seen(result) == (FAILED, 1, [error])
        assert result.errors[0].traceback == text

    def test_cancelled_before_it_ran(self) -> None:
        result = tasks.noop_task.enqueue()
        cancel(int(result.id))

        result.refresh()

        assert seen(result) == (FAILED, 0, [JobCancelled])
        assert (result.started_at, result.last_attempted_at) == (None, None)
        assert result.finished_at is not None

    def test_expired(self, worker: TaskWorker) -> None:
        result = run(worker, tasks.noop_task.using(expires_at=LONG_AGO).enqueue())

        assert seen(result) == (FAILED, 0, [JobExpired])
        assert "expires_at passed" in result.errors[0].traceback

    def test_lost_with_its_workers(self, worker: TaskWorker) -> None:
        result = tasks.noop_task.enqueue()
        Job.objects.filter(pk=result.id).update(rescues=3)
        worker.work_in_quarantine()

        result.refresh()
        assert seen(result) == (FAILED, 0, [JobLost])
        assert "worker died 3x" in result.errors[0].traceback

    def test_expired_after_a_failure_it_has_both_errors(self, worker: TaskWorker) -> None:
        result = run(worker, tasks.failing_task_value_error.using(max_attempts=2).enqueue())
        Job.objects.filter(pk=result.id).update(state="ready", expires_at=LONG_AGO)

        assert seen(run(worker, result)) == (FAILED, 1, [ValueError, JobExpired])


class TestSpooled:
    def test_the_id_of_a_spooled_task_leads_to_its_result_after_the_flush(
        self, spool: Spool, away: Away, worker: TaskWorker
    ) -> None:
        with away():
            alone = tasks.give_back.enqueue("kept")
            [first, second] = tasks.give_back.enqueue_many([[1], [2]])
        assert (alone.status, len(alone.id) < 64) == (READY, True)
        with pytest.raises(TaskResultDoesNotExist):
            alone.refresh()

        flush(spool)
        worker.work()

        for result in (alone, first, second):
            result.refresh()
        assert [alone.return_value, first.return_value, second.return_value] == ["kept", 1, 2]


class TestUnknownTasks:
    """The task of a result may be of another release, or of another site."""

    @pytest.fixture(params=[Job, ArchivedJob, DeadJob])
    def result_of_a_gone_task(self, request: pytest.FixtureRequest, worker: TaskWorker) -> Any:
        task = tasks.failing_task_value_error if request.param is DeadJob else tasks.noop_task
        if request.param is Job:
            task = task.using(run_after=timedelta(hours=1))
        result = task.enqueue(*([] if request.param is DeadJob else [1]))
        worker.work()
        request.param.objects.filter(pk=result.id).update(handler="shop.gone.send")
        return result

    def test_their_results_can_be_read_in_all_three_tables(
        self, result_of_a_gone_task: Any
    ) -> None:
        backend = task_backends["default"]
        found = backend.get_result(result_of_a_gone_task.id)

        assert (found.task.module_path, found.task.name) == ("shop.gone.send", "send")
        assert (found.id, found.args) == (result_of_a_gone_task.id, result_of_a_gone_task.args)
        assert found.task == backend.get_result(found.id).task
        with pytest.raises(HandlerNotRegistered, match=r"shop\.gone\.send"):
            found.task.call()

    def test_a_task_whose_queue_is_not_valid_any_more_is_read_all_the_same(self) -> None:
        result = tasks.noop_task.using(queue_name="emails").enqueue()
        Job.objects.filter(pk=result.id).update(queue="gone")

        assert tasks.noop_task.get_result(result.id).task.queue_name == "gone"

    def test_one_of_a_backend_that_is_gone_is_of_that_which_declares_it(self) -> None:
        result = tasks.noop_task.enqueue()
        Job.objects.filter(pk=result.id).update(meta={"_task": {"backend": "gone"}})

        found = tasks.noop_task.get_result(result.id)

        assert (found.backend, found.task) == ("default", tasks.noop_task)
        assert found.enqueued_at == JobHandle.get(int(result.id)).snapshot.created_at

    def test_a_record_that_was_removed_is_no_result(self, worker: TaskWorker) -> None:
        result = run(worker, tasks.noop_task.enqueue())
        ArchivedJob.objects.update(finished_at=LONG_AGO)
        prune()

        with pytest.raises(TaskResultDoesNotExist):
            result.refresh()

    def test_a_row_runs_no_path_that_no_task_has(self, worker: TaskWorker) -> None:
        result = tasks.noop_task.enqueue("touch /tmp/owned")
        Job.objects.filter(pk=result.id).update(handler="os.system")

        worker.work(unknown_handler_grace=timedelta(0))

        result.refresh()
        assert seen(result) == (FAILED, 0, [HandlerNotRegistered])
        assert "no handler registered" in result.errors[0].traceback
