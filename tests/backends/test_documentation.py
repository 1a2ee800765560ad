"""Django's own documentation of its tasks, example by example: topics/tasks and ref/tasks."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core import mail
from django.db import transaction
from django.test import override_settings
from django.utils.module_loading import import_string

from django_jobqueue.backends import DummyBackend, JobTask
from django_jobqueue.backends.framework import (
    PACKAGE,
    InvalidTask,
    TaskResultDoesNotExist,
    TaskResultStatus,
    task_backends,
)
from django_jobqueue.models import Job
from django_jobqueue.store import store_for
from tests import tasks
from tests.handlers import add
from tests.store.helpers import claim, register_worker
from tests.tasks import double_dictionary, email_users, email_users_with_context, noop_task
from tests.worker.site import COMMITTED

from .conftest import TaskWorker

pytestmark = COMMITTED
default_task_backend = import_string(f"{PACKAGE}.default_task_backend")
NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
LETTER = {
    "emails": ["user@example.com"],
    "subject": "You have a message",
    "message": "Hello there!",
}


class TestBackends:
    """“Configuring a Task backend”."""

    @pytest.mark.parametrize("kind", ["immediate.ImmediateBackend", "dummy.DummyBackend"])
    def test_those_of_django_stay_a_setting_away(self, kind: str) -> None:
        path = f"{PACKAGE}.backends.{kind}"
        with override_settings(TASKS={"default": {"BACKEND": path}}):
            assert isinstance(task_backends["default"], import_string(path))
            result = noop_task.enqueue()

        assert result.is_finished == (kind == "immediate.ImmediateBackend")

    def test_the_dummy_backend_keeps_and_clears_results(self) -> None:
        path = "django_jobqueue.backends.DummyBackend"
        with override_settings(TASKS={"default": {"BACKEND": path}}):
            assert isinstance(task_backends["default"], DummyBackend)
            noop_task.enqueue()
            assert len(default_task_backend.results) == 1
            default_task_backend.clear()
            assert len(default_task_backend.results) == 0

    def test_backends_are_retrieved_by_alias(self) -> None:
        assert task_backends["default"].alias == "default"
        assert task_backends["dummy"].alias == "dummy"
        assert default_task_backend == task_backends["default"]

    def test_methods_have_async_variants(self) -> None:
        async def use() -> tuple[Any, Any]:
            result = await default_task_backend.aenqueue(noop_task, (1,), {})
            return result, await default_task_backend.aget_result(result.id)

        enqueued, found = async_to_sync(use)()
        assert enqueued == found


class TestDefining:
    """“Defining Tasks”, “Task context” and “Modifying Tasks”."""

    def test_a_task_may_have_a_priority_and_a_queue(self, worker: TaskWorker) -> None:
        assert isinstance(email_users, JobTask)
        result = email_users.enqueue(**LETTER)
        assert (result.task.priority, result.task.queue_name) == (2, "emails")

        worker.work()

        [letter] = mail.outbox
        assert (letter.to, letter.subject, letter.body) == tuple(LETTER.values())

    def test_a_task_may_take_its_context(self, worker: TaskWorker) -> None:
        result = email_users_with_context.enqueue(**LETTER)

        worker.work()

        result.refresh()
        assert result.return_value == [1, result.id, 1]

    def test_a_task_is_modified_by_a_copy(self) -> None:
        assert email_users.priority == 2
        assert email_users.using(priority=10).priority == 10
        assert email_users.priority == 2

    @pytest.mark.skipif(
        not tasks.DECORATOR_TAKES_OPTIONS, reason="from Django 6.1 on, and in the backport"
    )
    def test_a_backend_may_take_more_arguments(self) -> None:
        my_task = tasks.task(max_attempts=5, timeout=600)(nothing)

        assert my_task.options == {"max_attempts": 5, "timeout": 600}

    def test_an_invalid_task_is_refused(self) -> None:
        with pytest.raises(InvalidTask):
            tasks.task(queue_name="not a queue of the settings")(nothing)


def nothing() -> None: ...


class TestEnqueueing:
    """“Enqueueing Tasks” and “Transactions”."""

    def test_it_takes_the_arguments_as_they_are(self) -> None:
        result = email_users.enqueue(**LETTER)

        assert (result.kwargs, result.status) == (LETTER, TaskResultStatus.READY)
        assert async_to_sync(email_users.aenqueue)(**LETTER).kwargs == LETTER

    def test_arguments_must_be_serialisable(self) -> None:
        with pytest.raises(TypeError):
            noop_task.enqueue(NOW)

    def test_arguments_must_survive_a_round_trip(self, worker: TaskWorker) -> None:
        result = double_dictionary.enqueue((1, 2, 3))
        worker.work()

        result.refresh()
        assert result.status == "FAILED"
        assert "TypeError: unhashable type: 'list'\n" in result.errors[0].traceback

    def test_a_task_of_a_transaction_cannot_run_before_its_commit(self, worker: TaskWorker) -> None:
        with transaction.atomic():
            noop_task.enqueue(thing_num=1)
            # What the documentation advises for other backends works as well.
            transaction.on_commit(partial(noop_task.enqueue, thing_num=2))
            assert Job.objects.count() == 1

        assert Job.objects.count() == 2

    def test_it_may_run_later(self) -> None:
        by_time = noop_task.using(run_after=NOW + timedelta(days=36_500)).enqueue()
        by_span = noop_task.using(run_after=timedelta(minutes=5)).enqueue()

        assert set(Job.objects.values_list("state", flat=True)) == {"scheduled"}
        assert by_time.task.run_after == NOW + timedelta(days=36_500)
        assert by_span.task.run_after == by_span.enqueued_at + timedelta(minutes=5)

    def test_the_highest_priority_runs_first(self) -> None:
        for priority in (0, 100, -100):
            noop_task.using(priority=priority).enqueue()

        [first] = claim(store_for("default"), register_worker(), total=1)
        assert first.priority == 100


class TestResults:
    """“Task results”, “Updating results”, “Return values” and “Errors”."""

    def test_a_result_is_found_by_its_id_later_somewhere_else(self) -> None:
        result_id = email_users.enqueue(**LETTER).id

        assert (type(result_id), len(result_id) < 64) == (str, True)
        assert email_users.get_result(result_id).kwargs == LETTER
        assert default_task_backend.get_result(result_id).task == email_users
        assert async_to_sync(email_users.aget_result)(result_id).id == result_id

    def test_a_result_changes_when_it_is_refreshed(self, worker: TaskWorker) -> None:
        result = tasks.calculate_meaning_of_life.enqueue()
        worker.work()
        assert result.status == "READY"

        result.refresh()
        assert result.status == "SUCCESSFUL"
        async_to_sync(result.arefresh)()
        assert result.return_value == 42

    def test_there_is_no_value_before_the_end(self) -> None:
        result = tasks.calculate_meaning_of_life.enqueue()
        claim(store_for("default"), register_worker())

        result.refresh()

        assert result.status == "RUNNING"
        with pytest.raises(ValueError, match="Task has not finished yet"):
            _ = result.return_value

    def test_errors_tell_their_class_and_their_traceback(self, worker: TaskWorker) -> None:
        result = tasks.failing_task_value_error.enqueue()
        worker.work()

        result.refresh()
        assert result.errors[0].exception_class is ValueError
        assert result.errors[0].traceback.startswith("Traceback (most recent call last):\n")
        object.__setattr__(result.errors[0], "exception_class_path", "subprocess.run")
        with pytest.raises(ValueError, match=r"'subprocess.run' does not reference"):
            _ = result.errors[0].exception_class

    def test_a_result_that_does_not_exist(self) -> None:
        for unknown in ("123", str(add.enqueue(1, 2).id)):
            with pytest.raises(TaskResultDoesNotExist):
                default_task_backend.get_result(unknown)
