# pyright: strict
"""What the site of a typed user gives to queues and templates."""

from dataclasses import dataclass
from typing import assert_type

from django_jobqueue import JobClass, JobContext, JobHandle, Queue, Schedule, Template, job


@job
def send(user_id: int, greeting: str = "hello") -> None: ...


@job
def import_rows(context: JobContext, rows: list[int]) -> None: ...


@job
@dataclass
class Divide(JobClass):
    a: int
    b: int = 1

    def run(self) -> None: ...


def correct_calls(queue: Queue, template: Template) -> None:
    assert_type(queue.enqueue(send, 1, greeting="hi"), JobHandle)
    assert_type(queue.enqueue(send.using(delay=60), user_id=1), JobHandle)
    assert_type(queue.enqueue(import_rows, rows=[1]), JobHandle)
    assert_type(queue.enqueue(Divide, a=1), JobHandle)
    assert_type(queue.enqueue({"to": "ada@example.org"}), JobHandle)
    assert_type(queue.using(priority=5).enqueue("a payload"), JobHandle)
    queue.using(result_as="payload").s()
    assert_type(queue.using(every=60).enqueue("a payload"), Schedule)
    template.save(send, user_id=1)
    template.save(Divide.using(queue="slow"), a=1)
    template.save(Divide, a=1)
    template.save("shop.send", anything="goes")
    assert_type(template.enqueue(user_id=2), JobHandle)


async def correct_calls_that_are_awaited(queue: Queue) -> None:
    assert_type(await queue.aenqueue(send, user_id=1), JobHandle)
    assert_type(await queue.aenqueue(["a", "payload"]), JobHandle)


def a_typo_in_the_name_of_an_argument(queue: Queue, template: Template) -> None:
    queue.enqueue(send, usr_id=1)  # error: call-overload reportCallIssue
    queue.enqueue(send.using(delay=60), usr_id=1)  # error: call-overload reportCallIssue
    queue.enqueue(import_rows, rws=[1])  # error: call-overload reportCallIssue
    queue.enqueue(Divide, a=1, c=2)  # error: call-overload reportCallIssue
    template.save(send, usr_id=1)  # error: call-overload reportCallIssue
    template.save(Divide, a=1, c=2)  # error: call-overload reportCallIssue


async def a_typo_in_a_call_that_is_awaited(queue: Queue) -> None:
    await queue.aenqueue(send, usr_id=1)  # error: call-overload reportCallIssue


def an_argument_of_a_wrong_type(queue: Queue, template: Template) -> None:
    queue.enqueue(send, "1")  # error: call-overload reportArgumentType
    queue.enqueue(Divide, a="1")  # error: call-overload reportArgumentType
    template.save(send, "1")  # error: call-overload reportArgumentType


def without_arguments_it_may_be_a_payload(queue: Queue, template: Template) -> None:
    queue.enqueue(send)
    template.save(send)  # error: call-overload reportCallIssue
