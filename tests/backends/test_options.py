"""Options of @job on tasks: in the decorator, with `using`, and for all tasks of a backend."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings

from django_jobqueue import Constant, JobHandle, PayloadError, job
from django_jobqueue.backends import JobTask
from django_jobqueue.backends.declaring import declare
from django_jobqueue.backends.framework import (
    InvalidTask,
    TaskResultStatus,
    base,
)
from django_jobqueue.core.errors import InvalidArguments
from django_jobqueue.jobs.editing import edited_arguments
from django_jobqueue.jobs.handlers import Handler
from django_jobqueue.jobs.registry import Registry, registry
from django_jobqueue.models import ArchivedJob
from tests import tasks
from tests.tasks import noop_task
from tests.worker.site import COMMITTED

from .conftest import TaskWorker

BACKEND = "django_jobqueue.backends.JobQueueBackend"
IMMEDIATE = "backends.immediate.ImmediateBackend"
FAR = datetime(2100, 1, 1, tzinfo=UTC)
only_where_the_decorator_takes_them = pytest.mark.skipif(
    not tasks.DECORATOR_TAKES_OPTIONS, reason="the decorator of Django 6.0 takes no more options"
)


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """What a test declares anew is forgotten after it."""
    monkeypatch.setattr(registry, "_by_name", dict(registry._by_name))
    return registry


def declared(func: Any, **options: Any) -> Handler:
    return registry.get(JobTask(func=func, **options).module_path)


def plain(user_id: int) -> None: ...


def job_of(result: Any) -> Any:
    return JobHandle.get(int(result.id)).snapshot


class TestDeclaring:
    def test_a_task_is_a_handler_with_the_name_of_its_function(self) -> None:
        handler = registry.get("tests.tasks.noop_task")

        assert handler.declared is noop_task
        assert (handler.is_async, handler.options.queue) == (False, "default")
        assert registry.get("tests.tasks.noop_task_async").is_async

    def test_a_stable_name_survives_a_rename_of_the_function(self) -> None:
        assert registry.get("tests.stable_name").declared == tasks.with_options

    def test_what_is_said_is_an_option_of_the_handler(self) -> None:
        handler = declared(
            plain,
            priority=5,
            queue_name="emails",
            max_retries=4,
            backoff=Constant(7),
            timeout=30,
            retry_on=OSError,
            keep=False,
            transactional=True,
            max_running=2,
            cron=None,
        )

        options = handler.options
        assert (options.max_attempts, options.backoff, options.timeout) == (5, Constant(7), 30.0)
        assert (options.queue, options.priority) == ("emails", 5)
        assert (handler.retry_on, handler.keep, handler.transactional) == ((OSError,), False, True)
        assert handler.limits.limit.max_running == 2

    def test_a_task_runs_once_unless_it_says_how_it_is_retried(self) -> None:
        assert declared(plain).options.max_attempts == 1
        assert declared(plain, max_attempts=3).options.max_attempts == 3
        assert declared(plain, backoff=Constant(1)).options.max_attempts is None
        assert declared(plain, retry_on=OSError).options.max_attempts is None

    def test_an_option_that_does_not_exist_is_a_wrong_keyword(self) -> None:
        with pytest.raises(TypeError, match="Did you mean 'max_attempts'"):
            JobTask(func=plain, max_attemps=3)
        with pytest.raises(TypeError, match="Did you mean 'expires_at'"):
            noop_task.using(expire_at=FAR)

    @pytest.mark.parametrize("option", ["queue", "run_at", "delay"])
    def test_what_the_framework_has_a_word_for_is_said_with_it(self, option: str) -> None:
        with pytest.raises(TypeError, match=r"a task says '(queue_name|run_after)'"):
            noop_task.using(**{option: "x"})

    @pytest.mark.parametrize(
        "options",
        [{"max_attempts": 0}, {"timeout": -1}, {"isolation": "thread"}, {"unique_while": "live"}],
    )
    def test_an_option_that_is_wrong_makes_the_task_invalid(self, options: Any) -> None:
        with pytest.raises(InvalidTask, match=next(iter(options))):
            JobTask(func=plain, **options)
        with pytest.raises(InvalidTask):
            noop_task.using(max_attempts=0)

    def test_a_generator_is_no_task(self) -> None:
        with pytest.raises(InvalidTask, match="it is a generator"):
            JobTask(func=generates)

    def test_the_name_of_a_job_is_taken(self) -> None:
        job(name=f"{__name__}.plain")(tasks.calculate_meaning_of_life.func)

        with pytest.raises(InvalidTask, match=r"already registered\. Give the task a name"):
            JobTask(func=plain)

    def test_two_functions_do_not_share_a_name(self) -> None:
        JobTask(func=plain, name="shared")

        with pytest.raises(InvalidTask, match="already registered"):
            JobTask(func=other_plain, name="shared")

    def test_the_last_that_was_declared_with_other_options_counts(self) -> None:
        first = declared(plain, timeout=1)

        assert declared(plain, timeout=1) is first
        again = declared(plain, timeout=2)
        assert again is not first
        assert registry.get(again.name) is again

    def test_the_options_of_a_backend_hold_for_its_tasks(self) -> None:
        backend = {"BACKEND": BACKEND, "OPTIONS": {"max_attempts": 4, "timeout": 9}}
        with override_settings(TASKS={"default": backend}):
            assert declared(plain).options.max_attempts == 4
            said = declared(plain, max_retries=1, timeout=5).options
        assert (said.max_attempts, said.timeout) == (2, 5.0)

    @only_where_the_decorator_takes_them
    def test_the_decorator_takes_them(self) -> None:
        task = tasks.task(priority=10, queue_name="emails", tags=["a"])(plain)

        assert isinstance(task, JobTask)
        assert (task.priority, task.queue_name, task.options) == (10, "emails", {"tags": ["a"]})
        with pytest.raises(TypeError):
            tasks.task(unknown_param=123)(plain)


def other_plain() -> None: ...


def generates() -> Any:
    yield


@pytest.mark.django_db
class TestUsing:
    def test_options_of_one_call_are_stored_with_its_job(self) -> None:
        result = noop_task.using(
            priority=7, max_attempts=9, timeout=3, expires_at=FAR, tags=["a"], meta={"for": "you"}
        ).enqueue()

        stored = job_of(result)
        assert (stored.priority, stored.max_attempts, stored.expires_at) == (7, 9, FAR)
        assert stored.tags == ["a"]
        assert stored.meta["for"] == "you"
        assert registry.get(stored.handler).options.max_attempts == 1

    def test_they_add_up(self) -> None:
        task = tasks.with_options.using(tags=["b"], timeout=3).using(tags=["c"], timeout=4)

        stored = job_of(task.enqueue(1))
        assert stored.tags == ["of a task", "b", "c"]
        assert stored.handler == "tests.stable_name"

    def test_those_of_the_handler_are_declared_anew(self) -> None:
        task = noop_task.using(retry_on=OSError)

        assert task.options == {"retry_on": OSError}
        assert registry.get(task.module_path).retry_on == (OSError,)

    def test_a_unique_task_that_waits_is_the_result_of_the_next_enqueue(self) -> None:
        unique = noop_task.using(unique=True)
        first, again, other = (unique.enqueue(a) for a in (1, 1, 2))

        assert (again, again.id) == (first, first.id)
        assert other.id != first.id

    def test_calls_that_mean_the_same_are_the_same(self) -> None:
        unique = tasks.give_back.using(unique=True)
        by_key = tasks.give_back.using(unique_by=["value"])

        assert unique.enqueue(1).id == unique.enqueue(value=1).id
        assert by_key.enqueue(2).id == by_key.enqueue(value=2).id
        assert [one.args for one in (unique.enqueue(3), unique.enqueue(value=4))] == [[3], []]

    def test_edited_arguments_make_the_key_of_the_new_call(self) -> None:
        unique = tasks.give_back.using(unique=True)
        found = job_of(unique.enqueue(1))
        edited = edited_arguments(found, registry.get(found.handler), [], {"value": 2})

        assert edited.unique_key == job_of(unique.enqueue(2)).unique_key
        assert edited.unique_key != found.unique_key

    def test_a_call_that_the_function_would_refuse_is_refused(self) -> None:
        with pytest.raises(InvalidArguments, match="It takes"):
            tasks.calculate_meaning_of_life.enqueue(1)
        with pytest.raises(InvalidArguments, match="there is no argument 'user'"):
            tasks.with_options.enqueue(user=1)

    @pytest.mark.parametrize("value", [float("nan"), "\x00", {1: 2}, "\ud800"])
    def test_json_that_databases_do_not_keep_is_refused(self, value: Any) -> None:
        with pytest.raises(PayloadError, match=r"args\[0\]"):
            noop_task.enqueue(value)

    def test_annotations_convert_nothing(self) -> None:
        assert job_of(tasks.with_options.enqueue("text")).payload["args"] == ["text"]


class TestOtherBackends:
    """Those for tests take what the real one takes."""

    def test_the_immediate_one_runs_a_task_at_once(self) -> None:
        task = tasks.with_options.using(
            backend="immediate", run_after=FAR, expires_at=FAR, max_attempts=3
        )
        result = task.enqueue(5, urgent=True)

        assert (result.status, result.return_value) == (TaskResultStatus.SUCCESSFUL, 5)
        assert [one.return_value for one in task.enqueue_many([[1], {"user_id": 2}])] == [1, 2]

    def test_many_can_be_enqueued_on_those_of_the_framework(self) -> None:
        with override_settings(TASKS={"default": {"BACKEND": f"{base.__package__}.{IMMEDIATE}"}}):
            results = tasks.give_back.enqueue_many([[1], {"value": 2}])

        assert [result.return_value for result in results] == [1, 2]

    def test_the_dummy_one_keeps_what_was_enqueued(self) -> None:
        task = noop_task.using(backend="dummy", run_after=timedelta(hours=1), unique=True)
        backend: Any = task.get_backend()
        backend.clear()

        result = task.enqueue(1)

        assert backend.results == [result]
        assert backend.get_result(result.id).task.run_after == timedelta(hours=1)
        backend.clear()

    def test_they_refuse_what_it_refuses(self) -> None:
        with pytest.raises(TypeError, match="does not exist"):
            noop_task.using(backend="dummy", colour="red")
        with pytest.raises(InvalidTask):
            noop_task.using(backend="immediate", max_attempts=-1)

    def test_tasks_of_django_itself_are_taken(self) -> None:
        with override_settings(TASKS={"default": {"BACKEND": f"{base.__package__}.{IMMEDIATE}"}}):
            plain_task = tasks.task(other_plain)
        assert type(plain_task) is base.Task

        handler = declare(plain_task, defaults={})

        assert handler.name == f"{__name__}.other_plain"
        assert declare(plain_task, defaults={}) is handler


@COMMITTED
class TestInTransactions:
    def test_a_task_exists_if_the_transaction_commits(self, worker: TaskWorker) -> None:
        with transaction.atomic():
            noop_task.enqueue()
            transaction.set_rollback(True)
        with transaction.atomic():
            done = noop_task.enqueue()
            assert done.status == TaskResultStatus.READY
        worker.work()

        done.refresh()
        assert done.status == TaskResultStatus.SUCCESSFUL
        assert ArchivedJob.objects.count() == 1
