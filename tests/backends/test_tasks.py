"""Django's own cases of declaring, changing and enqueueing tasks, on this backend."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import import_string

from django_jobqueue import JobHandle
from django_jobqueue.backends import (
    DummyBackend,
    ImmediateBackend,
    JobQueueBackend,
    JobTask,
    framework,
)
from django_jobqueue.backends.framework import (
    InvalidTask,
    InvalidTaskBackend,
    TaskResultDoesNotExist,
    TaskResultMismatch,
    TaskResultStatus,
    task_backends,
)
from tests import tasks
from tests.tasks import noop_task, noop_task_async, noop_task_from_bare_decorator

pytestmark = pytest.mark.django_db
default_task_backend = import_string(f"{framework.PACKAGE}.default_task_backend")
NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
FAR = datetime(2100, 1, 1, tzinfo=UTC)
NAIVE = datetime(2026, 1, 15, 12)  # noqa: DTZ001 - that it has no zone is the point
PRIORITIES = "priority must be a whole number between -100 and 100."


class TestDeclaring:
    @pytest.mark.parametrize("task", [noop_task, noop_task_from_bare_decorator, noop_task_async])
    def test_the_decorator_makes_tasks_of_this_package(self, task: Any) -> None:
        assert isinstance(task, JobTask)
        assert isinstance(task, framework.base.Task)
        assert (task.priority, task.queue_name, task.backend) == (0, "default", "default")

    def test_the_default_backend_is_that_of_the_settings(self) -> None:
        assert default_task_backend == task_backends["default"]
        assert isinstance(task_backends["default"], JobQueueBackend)
        assert (default_task_backend.alias, default_task_backend.options) == ("default", {})

    def test_it_can_do_all_that_the_framework_asks_for(self) -> None:
        backend = JobQueueBackend
        assert backend.supports_defer
        assert backend.supports_async_task
        assert backend.supports_get_result
        assert backend.supports_priority

    def test_only_functions_of_modules_are_tasks(self) -> None:
        for invalid in (any, self.test_only_functions_of_modules_are_tasks):
            with pytest.raises(InvalidTask, match="must be defined at a module level"):
                tasks.task()(invalid)

    def test_a_task_that_takes_the_context_names_it_first(self) -> None:
        with pytest.raises(InvalidTask, match="does not have a first argument of 'context'"):
            tasks.task(takes_context=True)(tasks.calculate_meaning_of_life.func)

    def test_when_it_runs_is_not_said_in_the_decorator(self) -> None:
        with pytest.raises(TypeError, match="run_after"):
            tasks.task(run_after=NOW)(tasks.calculate_meaning_of_life.func)

    def test_names_and_paths_are_those_of_the_function(self) -> None:
        assert (noop_task.name, noop_task_async.name) == ("noop_task", "noop_task_async")
        assert noop_task.module_path == "tests.tasks.noop_task"
        assert import_string(noop_task.module_path) is noop_task

    def test_it_can_be_called_here_and_now(self) -> None:
        assert tasks.calculate_meaning_of_life.call() == 42
        assert noop_task_async.call() is None

    async def call_from_async(self) -> list[Any]:
        return [await tasks.calculate_meaning_of_life.acall(), await noop_task_async.acall()]

    def test_it_can_be_called_from_async_code(self) -> None:
        import asyncio

        assert asyncio.run(self.call_from_async()) == [42, None]


class TestUsing:
    def test_it_changes_a_copy(self) -> None:
        changed = noop_task.using(priority=1, queue_name="queue_1", run_after=NOW)

        assert (changed.priority, changed.queue_name, changed.run_after) == (1, "queue_1", NOW)
        assert (noop_task.priority, noop_task.queue_name) == (0, "default")
        assert noop_task.run_after is None

    def test_without_anything_it_is_an_equal_copy(self) -> None:
        copy = noop_task.using()

        assert copy == noop_task
        assert hash(copy) == hash(noop_task)
        assert copy is not noop_task

    def test_it_can_be_chained(self) -> None:
        later = noop_task.using(run_after=NOW)
        urgent = later.using(priority=10)

        assert (urgent.priority, urgent.run_after) == (10, NOW)
        assert later.priority == 0

    def test_another_backend_must_exist(self) -> None:
        with pytest.raises(InvalidTaskBackend, match="The connection 'unknown' doesn't exist"):
            noop_task.using(backend="unknown")
        with (
            override_settings(TASKS={"default": {"BACKEND": "does.not.exist"}}),
            pytest.raises(InvalidTaskBackend, match=r"Could not find backend 'does.not.exist'"),
        ):
            noop_task.using()

    def test_another_backend_is_taken(self) -> None:
        assert isinstance(noop_task.using(backend="dummy").get_backend(), DummyBackend)
        assert isinstance(noop_task.using(backend="immediate").get_backend(), ImmediateBackend)

    @pytest.mark.parametrize("priority", [-101, 101, 3.1])
    def test_a_priority_is_within_bounds(self, priority: Any) -> None:
        with pytest.raises(InvalidTask) as refused:
            noop_task.using(priority=priority)
        assert str(refused.value) == PRIORITIES

    @pytest.mark.parametrize("priority", [-100, 0, 100])
    def test_the_bounds_are_priorities(self, priority: int) -> None:
        assert noop_task.using(priority=priority).priority == priority

    def test_a_time_has_a_zone(self) -> None:
        with pytest.raises(InvalidTask, match="run_after must be an aware datetime"):
            noop_task.using(run_after=NAIVE)

    def test_a_queue_is_one_of_those_in_the_settings_unless_they_name_none(self) -> None:
        with pytest.raises(InvalidTask, match="Queue 'queue-2' is not valid for backend"):
            noop_task.using(queue_name="queue-2")
        assert noop_task.using(queue_name="queue-2", backend="dummy").queue_name == "queue-2"


class TestEnqueueing:
    def test_it_stores_a_job_and_returns_its_result(self) -> None:
        result = noop_task.enqueue(1, two=3)

        assert result.status == TaskResultStatus.READY
        assert (result.task, result.args, result.kwargs) == (noop_task, [1], {"two": 3})
        assert (result.errors, result.worker_ids, result.attempts) == ([], [], 0)
        assert (result.is_finished, result.backend) == (False, "default")
        assert (result.started_at, result.finished_at) == (None, None)
        job = JobHandle.get(int(result.id)).snapshot
        assert (job.handler, job.queue, job.state) == (noop_task.module_path, "default", "ready")
        assert job.payload == {"args": [1], "kwargs": {"two": 3}}

    def test_a_value_before_the_end_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="Task has not finished yet"):
            _ = noop_task.enqueue().return_value

    def test_arguments_must_be_json(self) -> None:
        for value in (NOW, {1}, object()):
            with pytest.raises(TypeError, match="Unsupported type"):
                noop_task.enqueue(value)

    def test_bytes_are_text_and_tuples_are_lists(self) -> None:
        assert noop_task.enqueue(b"text", (1, 2)).args == ["text", [1, 2]]

    def test_the_result_can_be_looked_up_and_is_equal(self) -> None:
        result = noop_task.enqueue(1, two=[3])

        assert noop_task.get_result(result.id) == result
        assert default_task_backend.get_result(result.id) == result

    def test_a_refresh_of_what_did_not_change_changes_nothing(self) -> None:
        result = noop_task.enqueue()
        before = dataclasses.asdict(result)

        result.refresh()

        assert dataclasses.asdict(result) == before

    @pytest.mark.parametrize(
        "missing",
        [
            "123",
            "",
            "no id",
            "-1",
            "1.5",
            "9" * 40,
            "9" * 5_000,
            "²",
            "deadbeef" * 4,
            "deadbeef" * 4 + ".0",
        ],
    )
    def test_an_id_that_no_task_has_is_no_result(self, missing: str) -> None:
        with pytest.raises(TaskResultDoesNotExist):
            noop_task.get_result(missing)

    def test_a_job_that_is_no_task_is_no_result(self) -> None:
        from tests.handlers import add

        handle = add.enqueue(1, 2)

        with pytest.raises(TaskResultDoesNotExist):
            default_task_backend.get_result(str(handle.id))

    def test_the_result_of_another_task_does_not_match(self) -> None:
        result = default_task_backend.enqueue(noop_task_async, (), {})

        with pytest.raises(TaskResultMismatch, match="Task does not match"):
            noop_task.get_result(result.id)

    def test_it_is_validated_again(self) -> None:
        changed = noop_task.using(queue_name="queue_1")

        backend = {"BACKEND": "django_jobqueue.backends.JobQueueBackend", "QUEUES": ["other"]}
        with (
            override_settings(TASKS={"default": backend}),
            pytest.raises(InvalidTask, match="Queue 'queue_1' is not valid for backend"),
        ):
            changed.enqueue()

    def test_without_backends_it_is_refused(self) -> None:
        with override_settings(TASKS={}), pytest.raises(InvalidTaskBackend):
            noop_task.enqueue()

    def test_one_statement_stores_it_and_nothing_is_read(self) -> None:
        noop_task.enqueue()  # what a connection asks once is asked

        with CaptureQueriesContext(connection) as captured:
            noop_task.enqueue()

        about_tables = [one["sql"] for one in captured.captured_queries if "FROM" in one["sql"]]
        assert len(about_tables) == 1
        assert "INSERT INTO jobqueue_job" in about_tables[0]

    def test_a_span_counts_from_the_enqueue(self) -> None:
        later = noop_task.using(run_after=timedelta(hours=1))
        result = later.enqueue()

        assert later.run_after == timedelta(hours=1)
        assert result.task.run_after == result.enqueued_at + timedelta(hours=1)
        assert noop_task.get_result(result.id) == result
        job = JobHandle.get(int(result.id)).snapshot
        assert job.state == "scheduled"

    def test_a_time_is_kept(self) -> None:
        result = noop_task.using(run_after=FAR).enqueue()

        assert result.task.run_after == FAR
        assert noop_task.get_result(result.id) == result
        assert JobHandle.get(int(result.id)).snapshot.run_at == FAR

    def test_without_time_zones_times_are_naive(self) -> None:
        with override_settings(USE_TZ=False, TIME_ZONE="Europe/Berlin"):
            result = noop_task.using(run_after=NAIVE).enqueue()
            found = noop_task.get_result(result.id)

            assert (found, found.task.run_after) == (result, NAIVE)
            assert found.enqueued_at.tzinfo is None

    def test_many_are_enqueued_in_one_go(self) -> None:
        task = noop_task.using(queue_name="emails")
        with CaptureQueriesContext(connection) as captured:
            results = task.enqueue_many([{"user_id": 1}, [2, "x"], (3,), {}])

        assert [(one.args, one.kwargs) for one in results] == [
            ([], {"user_id": 1}),
            ([2, "x"], {}),
            ([3], {}),
            ([], {}),
        ]
        assert [noop_task.get_result(one.id) for one in results] == results
        texts = [one["sql"] for one in captured.captured_queries]
        assert sum("INTO jobqueue_job" in text or "COPY" in text for text in texts) == 1

    def test_one_wrong_call_of_many_stores_none_and_is_told(self) -> None:
        with pytest.raises(TypeError, match=r"job 1 of the call: Unsupported type"):
            noop_task.enqueue_many([[1], [NOW]])

        assert default_task_backend.enqueue(noop_task, (), {}).args == []
