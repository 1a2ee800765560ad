# pyright: strict
"""What the site of a typed user says of functions under @job."""

from collections.abc import Coroutine
from typing import Any, assert_type

from django_jobqueue import JobCall, JobContext, JobHandle, Schedule, chain, job


@job
def send_welcome(user_id: int, greeting: str = "hello") -> str:
    return f"{greeting} {user_id}"


@job(queue="feeds", timeout=30)
async def fetch_feed(url: str, *, depth: int) -> int:
    return len(url) * depth


@job
def import_rows(context: JobContext, rows: list[int]) -> None:
    context.progress(1, len(rows))


@job(queue="rows")
def export_rows(context: JobContext, /, path: str, *, limit: int | None = None) -> None: ...


@job
def with_its_context_elsewhere(rows: list[int], context: JobContext) -> None: ...


def correct_calls() -> None:
    assert_type(send_welcome.enqueue(1), JobHandle)
    assert_type(send_welcome.enqueue(user_id=1, greeting="hi"), JobHandle)
    assert_type(send_welcome.using(delay=60, priority=1).enqueue(user_id=1), JobHandle)
    assert_type(send_welcome.using(tags=["a"]).using(delay=1).enqueue(1), JobHandle)
    assert_type(send_welcome.s(1), JobCall)
    assert_type(send_welcome.enqueue_many([{"user_id": 1}, (2, "hi")]), list[JobHandle])
    assert_type(fetch_feed.enqueue("https://example.org", depth=2), JobHandle)
    assert_type(send_welcome.using(cron="0 7 * * *").enqueue(user_id=1), Schedule)
    assert_type(send_welcome.using(every=60, overlap="skip").enqueue(user_id=1), Schedule)
    chain(send_welcome.s(1), send_welcome.using(result_as="greeting").s(user_id=1)).enqueue()
    assert_type(send_welcome.enqueue_and_wait(10, user_id=1).attempt, int)


async def correct_calls_that_are_awaited() -> None:
    assert_type(await send_welcome.aenqueue(user_id=1), JobHandle)
    assert_type(await send_welcome.using(every=60).aenqueue(user_id=1), Schedule)
    assert_type((await send_welcome.aenqueue_and_wait(None, user_id=1)).attempt, int)
    assert_type(await fetch_feed.aenqueue_many([("https://example.org", 1)]), list[JobHandle])


def a_job_is_still_a_function(context: JobContext) -> None:
    assert_type(send_welcome(1, greeting="hi"), str)
    coroutine: Coroutine[Any, Any, int] = fetch_feed("https://example.org", depth=1)
    coroutine.close()
    import_rows(context, [1])
    export_rows(context, "rows.csv")


def the_context_is_no_argument_of_the_job() -> None:
    import_rows.enqueue([1, 2])
    import_rows.enqueue(rows=[1, 2])
    export_rows.enqueue("rows.csv", limit=10)


def a_typo_in_the_name_of_an_argument() -> None:
    send_welcome.enqueue(usr_id=1)  # error: call-arg reportCallIssue
    send_welcome.using(delay=60).enqueue(usr_id=1)  # error: call-arg reportCallIssue
    send_welcome.using(every=60).enqueue(usr_id=1)  # error: call-arg reportCallIssue
    send_welcome.s(usr_id=1)  # error: call-arg reportCallIssue
    send_welcome.enqueue_and_wait(10, usr_id=1)  # error: call-arg reportCallIssue
    import_rows.enqueue(rws=[1])  # error: call-arg reportCallIssue
    fetch_feed.enqueue("https://example.org", dept=1)  # error: call-arg reportCallIssue
    send_welcome(usr_id=1)  # error: call-arg reportCallIssue


async def a_typo_in_a_call_that_is_awaited() -> None:
    await send_welcome.aenqueue(usr_id=1)  # error: call-arg reportCallIssue
    await send_welcome.aenqueue_and_wait(10, usr_id=1)  # error: call-arg reportCallIssue


def an_argument_of_a_wrong_type() -> None:
    send_welcome.enqueue("1")  # error: arg-type reportArgumentType
    send_welcome.enqueue(user_id="1")  # error: arg-type reportArgumentType
    send_welcome.using(delay=60).enqueue(user_id=None)  # error: arg-type reportArgumentType
    send_welcome.s(user_id="1")  # error: arg-type reportArgumentType
    send_welcome.enqueue_and_wait(10, user_id="1")  # error: arg-type reportArgumentType
    send_welcome.enqueue_and_wait("10", user_id=1)  # error: arg-type reportArgumentType
    import_rows.enqueue(["1"])  # error: list-item reportArgumentType


def an_argument_that_is_missing_or_too_many() -> None:
    send_welcome.enqueue()  # error: call-arg reportCallIssue
    send_welcome.using(delay=60).enqueue()  # error: call-arg reportCallIssue
    send_welcome.s()  # error: call-arg reportCallIssue
    send_welcome.enqueue_and_wait(10)  # error: call-arg reportCallIssue
    send_welcome.enqueue(1, "hi", 2)  # error: call-arg reportCallIssue
    fetch_feed.enqueue("https://example.org", 2)  # error: call-arg reportCallIssue
    import_rows.enqueue()  # error: call-arg reportCallIssue


def a_schedule_is_no_job() -> None:
    send_welcome.using(every=60).s(1)  # error: attr-defined reportAttributeAccessIssue
    send_welcome.using(every=60).enqueue(1).wait()  # error: attr-defined reportAttributeAccessIssue


def a_context_that_is_not_the_first_parameter_is_asked_for() -> None:
    with_its_context_elsewhere.enqueue([1])  # error: call-arg reportCallIssue
