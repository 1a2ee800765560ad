"""Tasks that tests enqueue, declared as any site declares them."""

import os
import threading
from collections.abc import Callable
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.core.mail import send_mail

from django_jobqueue import Cancel, Constant, Discard, Retry, Snooze
from django_jobqueue.backends import JobTaskContext
from django_jobqueue.backends.framework import PACKAGE, TaskContext

if PACKAGE == "django.tasks":
    from django.tasks import task
else:
    from django_tasks import task

#: Whether the decorator hands further options on to the class of the task; that of 6.0 does not.
DECORATOR_TAKES_OPTIONS = django.VERSION[:2] != (6, 0)


def declared(*, takes_context: bool = False, **options: Any) -> Callable[..., Any]:
    """@task with options of @job, wherever they can be said."""
    if DECORATOR_TAKES_OPTIONS:
        return task(takes_context=takes_context, **options)
    return lambda func: task(takes_context=takes_context)(func).using(**options)


@task()
def noop_task(*args: Any, **kwargs: Any) -> None: ...


@task
def noop_task_from_bare_decorator(*args: Any, **kwargs: Any) -> None: ...


@task()
async def noop_task_async(*args: Any, **kwargs: Any) -> None: ...


@task()
def calculate_meaning_of_life() -> int:
    return 42


@task()
async def calculate_meaning_of_life_async() -> int:
    return 42


@task()
def failing_task_value_error() -> None:
    raise ValueError("This Task failed due to ValueError")


@task()
async def failing_task_async() -> None:
    raise ValueError("This Task failed due to ValueError")


@task()
def failing_task_system_exit() -> None:
    raise SystemExit("This Task failed due to SystemExit")


@task()
def failing_task_keyboard_interrupt() -> None:
    raise KeyboardInterrupt("This Task failed due to KeyboardInterrupt")


@task()
def complex_exception() -> None:
    raise ValueError(ValueError("This task failed"))


@task()
def return_what_is_no_json(kind: str) -> object:
    values: dict[str, object] = {
        "a function": lambda: True,
        "a set": {1, 2},
        "NaN": float("nan"),
        "NUL": "\x00",
        "too much": "x" * 70_000,
        "a number as key": {1: 2},
    }
    return values[kind]


@task()
async def return_what_is_no_json_async() -> object:
    return object()


@task()
def give_back(value: object) -> object:
    return value


#: Set by whoever lets `wait_in_the_shared_thread` go on.
opened = threading.Event()


@task()
async def wait_in_the_shared_thread() -> bool:
    def wait() -> bool:
        open_the_gate.enqueue()
        return opened.wait(10)

    return await sync_to_async(wait, thread_sensitive=True)()


@task()
async def open_the_gate() -> None:
    opened.set()


@task(takes_context=True)
def get_task_id(context: TaskContext) -> str:
    return context.task_result.id


@task(takes_context=True)
async def get_task_id_async(context: TaskContext) -> str:
    return context.task_result.id


@task(takes_context=True)
def tell_attempt(context: TaskContext, *args: Any) -> dict[str, Any]:
    result = context.task_result
    return {"attempt": context.attempt, "status": result.status, "workers": result.worker_ids}


@task(takes_context=True)
def report_progress(context: JobTaskContext, upto: int) -> None:
    context.job.progress(upto, upto)
    context.job.log(f"counted to {upto}")


@task
def answer(kind: str) -> object:
    answers = {"cancel": Cancel("not today"), "discard": Discard("no such user")}
    return {**answers, "retry": Retry("busy"), "snooze": Snooze(delay=3600)}[kind]


@declared(max_attempts=2, backoff=Constant(0, jitter=0))
def fail_twice() -> None:
    raise OSError("no route")


@declared(takes_context=True, max_attempts=3, backoff=Constant(0, jitter=0))
def succeed_at_last(context: TaskContext) -> int:
    if context.attempt < 3:
        raise OSError(f"attempt {context.attempt}")
    return context.attempt


@declared(takes_context=True, max_attempts=3, backoff=Constant(0, jitter=0))
async def succeed_at_last_async(context: TaskContext) -> int:
    if context.attempt < 3:
        raise OSError(f"attempt {context.attempt}")
    return context.attempt


@declared(timeout=30, tags=["of a task"], max_rescues=0, name="tests.stable_name")
def with_options(user_id: int, *, urgent: bool = False) -> int:
    return user_id


@task(priority=2, queue_name="emails")
def email_users(emails: list[str], subject: str, message: str) -> int:
    return send_mail(subject=subject, message=message, from_email=None, recipient_list=emails)


@task(takes_context=True)
def email_users_with_context(
    context: TaskContext, emails: list[str], subject: str, message: str
) -> list[Any]:
    sent = send_mail(subject=subject, message=message, from_email=None, recipient_list=emails)
    return [context.attempt, context.task_result.id, sent]


@task()
def double_dictionary(key: Any) -> dict[Any, Any]:
    return {key: key * 2}


@task(backend="immediate")
def declared_for_another_backend() -> str:
    return "ran"


not_a_task = "text"


@declared(isolation="process", max_attempts=1)
def in_a_process_of_its_own(worker_pid: int) -> str:
    if os.getpid() == worker_pid:
        raise AssertionError("it ran in its worker")
    raise LookupError("not here")
