"""Tasks from async code, and tasks in a pickle."""

import dataclasses
import pickle
from datetime import UTC, datetime

import django
import pytest
from asgiref.sync import async_to_sync
from django.utils.module_loading import import_string

from django_jobqueue.backends import JobTask
from django_jobqueue.backends.framework import (
    PACKAGE,
    TaskResultDoesNotExist,
    TaskResultMismatch,
)
from tests import tasks
from tests.tasks import noop_task, noop_task_async

default_task_backend = import_string(f"{PACKAGE}.default_task_backend")
NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
class TestAsyncTwins:
    async def enqueue_and_look(self) -> None:
        result = await noop_task.aenqueue(1)
        assert await noop_task.aget_result(result.id) == result
        assert await default_task_backend.aget_result(result.id) == result
        before = dataclasses.asdict(result)
        await result.arefresh()
        assert dataclasses.asdict(result) == before
        [one, other] = await noop_task.aenqueue_many([[1], [2]])
        assert [one.args, other.args] == [[1], [2]]

    async def misuse(self) -> None:
        with pytest.raises(TypeError, match="Unsupported type"):
            await noop_task.aenqueue(NOW)
        with pytest.raises(TaskResultDoesNotExist):
            await noop_task.aget_result("123")
        other = await default_task_backend.aenqueue(noop_task_async, (), {})
        with pytest.raises(TaskResultMismatch):
            await noop_task.aget_result(other.id)

    def test_they_do_the_same(self) -> None:
        async_to_sync(self.enqueue_and_look)()

    def test_they_refuse_the_same(self) -> None:
        async_to_sync(self.misuse)()


@pytest.mark.skipif(django.VERSION < (6, 1), reason="tasks can be pickled from Django 6.1 on")
@pytest.mark.django_db
class TestPickling:
    def test_a_task_and_its_result_come_back_equal(self) -> None:
        task = tasks.with_options.using(expires_at=NOW, tags=["more"])
        result = noop_task.enqueue(1)

        again = pickle.loads(pickle.dumps(task))
        assert (again, again.options, again.said) == (task, task.options, task.said)
        assert pickle.loads(pickle.dumps(result)) == result

    @pytest.mark.parametrize("path", ["does.not.exist", "builtins.any", "tests.tasks.not_a_task"])
    def test_a_path_that_leads_to_no_task_is_refused(self, path: str) -> None:
        with pytest.raises(ValueError, match=f"Expected '{path}' to point to a Task instance"):
            JobTask._reconstruct({"func": path})  # type: ignore[attr-defined]
