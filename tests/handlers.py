"""Handlers that tests of more than one area enqueue."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from django_jobqueue import JobContext, job


@job
def add(a: int, b: int = 1) -> int:
    return a + b


@job(name="tests.greet", queue="mail", priority=5, max_attempts=7, timeout=30, tags=["hello"])
def greet(name: str) -> str:
    return f"hello {name}"


@job
def keep_anything(value: object = None) -> object:
    return value


@job
def file_report(when: datetime, id: UUID, amount: Decimal) -> None: ...


@job
def count_slowly(context: JobContext, upto: int) -> int:
    for number in range(upto):
        context.progress(number + 1, upto)
    return upto


@job
async def add_async(a: int, b: int) -> int:
    return a + b


@job
@dataclass
class Divide:
    a: int
    b: int = 1

    def run(self) -> float:
        return self.a / self.b


@job(name="tests.ship")
class Ship(msgspec.Struct):
    order: int

    async def run(self, context: JobContext) -> str:
        return f"order {self.order}, attempt {context.attempt}"
