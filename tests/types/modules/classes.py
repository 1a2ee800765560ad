# pyright: strict
"""What the site of a typed user says of classes under @job."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import assert_type

import msgspec

from django_jobqueue import JobCall, JobClass, JobContext, JobHandle, Schedule, chain, job


@job
@dataclass
class Divide(JobClass):
    a: int
    b: int = 1

    def run(self) -> float:
        return self.a / self.b


@job(queue="mail", timeout=30)
@dataclass(frozen=True, slots=True, kw_only=True)
class SendReport(JobClass):
    month: int
    detailed: bool = False

    async def run(self, context: JobContext) -> str:
        return f"{self.month} {context.attempt}"


@job
@dataclass
class DivideSlowly(Divide):
    pause: float = 1.0


@job
class Ship(JobClass, msgspec.Struct):
    order: int

    def run(self) -> None: ...


@dataclass
class Export(JobClass, ABC):
    path: str

    def run(self) -> None:
        self.write()

    @abstractmethod
    def write(self) -> None: ...


@job
@dataclass
class ExportRows(Export):
    rows: int = 10

    def write(self) -> None: ...


@job
@dataclass
class WithoutBase:
    a: int

    def run(self) -> None: ...


def correct_calls_of_classes() -> None:
    assert_type(Divide.enqueue(1), JobHandle)
    assert_type(Divide.enqueue(a=1, b=2), JobHandle)
    assert_type(Divide.using(delay=60).enqueue(a=1), JobHandle)
    assert_type(Divide.using(cron="0 7 * * *").enqueue(a=1), Schedule)
    assert_type(Divide.enqueue_and_wait(10, a=1).attempt, int)
    assert_type(Divide.s(1, 2), JobCall)
    assert_type(Divide.enqueue_many([Divide(1), {"a": 1}]), list[JobHandle])
    assert_type(Divide.handler.name, str)
    assert_type(SendReport.enqueue(month=11), JobHandle)
    assert_type(DivideSlowly.enqueue(1, pause=2.0), JobHandle)
    assert_type(Ship.enqueue(order=1), JobHandle)
    assert_type(ExportRows.using(queue="slow").enqueue("rows.csv"), JobHandle)
    chain(Divide.s(1), Divide.using(result_as="a").s(b=2)).enqueue()


def correct_calls_of_instances(division: Divide) -> None:
    assert_type(division.enqueue(), JobHandle)
    assert_type(Divide(1, 2).using(delay=60).enqueue(), JobHandle)
    assert_type(Divide(1).using(every=60).enqueue(), Schedule)
    assert_type(division.enqueue_and_wait(10).attempt, int)
    assert_type(division.s(), JobCall)
    later = division.using(delay=60)
    assert_type(later.using(priority=1).enqueue(), JobHandle)
    assert_type(SendReport(month=1).enqueue(), JobHandle)
    assert_type(ExportRows("rows.csv").enqueue(), JobHandle)
    chain(Divide(1, 2).s(), Ship(order=1).s()).enqueue()


async def correct_calls_that_are_awaited() -> None:
    assert_type(await Divide.aenqueue(a=1), JobHandle)
    assert_type(await Divide.using(delay=1).aenqueue(a=1), JobHandle)
    assert_type(await Divide(1).aenqueue(), JobHandle)
    assert_type((await Divide.aenqueue_and_wait(10, a=1)).attempt, int)
    assert_type((await Divide(1).aenqueue_and_wait(10)).attempt, int)
    assert_type(await Divide.aenqueue_many([Divide(1)]), list[JobHandle])


def the_class_is_still_a_class(something: object) -> Divide:
    assert_type(Divide(1, 2).a, int)
    assert_type(Divide(1).run(), float)
    assert_type(replace(Divide(1), b=2), Divide)
    assert fields(Divide)
    kinds: list[type[Divide]] = [Divide, DivideSlowly]
    if isinstance(something, Divide):
        assert_type(something.b, int)
        return something
    return kinds[0](1)


def a_typo_in_the_name_of_an_argument() -> None:
    Divide.enqueue(a=1, c=2)  # error: call-arg reportCallIssue
    Divide.using(delay=60).enqueue(a=1, c=2)  # error: call-arg reportCallIssue
    Divide.using(every=60).enqueue(a=1, c=2)  # error: call-arg reportCallIssue
    Divide.s(1, c=2)  # error: call-arg reportCallIssue
    Divide.enqueue_and_wait(10, a=1, c=2)  # error: call-arg reportCallIssue
    SendReport.enqueue(month=1, detaild=True)  # error: call-arg reportCallIssue
    DivideSlowly.enqueue(1, paus=1)  # error: call-arg reportCallIssue
    Ship.enqueue(ordr=1)  # error: call-arg reportCallIssue
    ExportRows.enqueue("rows.csv", row=1)  # error: call-arg reportCallIssue
    Divide(1, c=2).enqueue()  # error: call-arg reportCallIssue


async def a_typo_in_a_call_that_is_awaited() -> None:
    await Divide.aenqueue(a=1, c=2)  # error: call-arg reportCallIssue
    await Divide.aenqueue_and_wait(10, a=1, c=2)  # error: call-arg reportCallIssue


def an_argument_of_a_wrong_type() -> None:
    Divide.enqueue("1")  # error: arg-type reportArgumentType
    Divide.enqueue(a=1, b="2")  # error: arg-type reportArgumentType
    Divide.using(delay=60).enqueue(a="1")  # error: arg-type reportArgumentType
    Divide.s(a=None)  # error: arg-type reportArgumentType
    Divide.enqueue_and_wait("10", a=1)  # error: arg-type reportArgumentType
    Ship.enqueue(order="1")  # error: arg-type reportArgumentType


def an_argument_that_is_missing_or_too_many() -> None:
    Divide.enqueue()  # error: call-arg reportCallIssue
    Divide.using(delay=60).enqueue()  # error: call-arg reportCallIssue
    Divide.enqueue_and_wait(10)  # error: call-arg reportCallIssue
    Divide.enqueue(1, 2, 3)  # error: call-arg reportCallIssue
    SendReport.enqueue(11)  # error: call-arg reportCallIssue
    Divide(1).enqueue(2)  # error: arg-type reportCallIssue
    Divide(1).using(delay=60).enqueue(2)  # error: call-arg reportCallIssue


def without_the_base_nothing_is_known(instance: WithoutBase) -> None:
    WithoutBase.enqueue(a=1)  # error: attr-defined reportAttributeAccessIssue
    instance.enqueue()  # error: attr-defined reportAttributeAccessIssue


def a_class_by_a_variable(kind: type[Divide]) -> None:
    kind.enqueue(a=1)  # error: arg-type -
    kind.enqueue(a=1, c=1)  # error: arg-type reportCallIssue
