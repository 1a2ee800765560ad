"""Functions and classes that tests put @job on, each in a registry of its own."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import msgspec

from django_jobqueue import JobClass, JobContext


def pair(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


async def pair_async(a: int, b: int = 1) -> int:
    return a + b


def with_context(context: JobContext, a: int) -> int:
    return a + context.attempt


def with_keyword_context(a: int, *, context: JobContext) -> int:
    return a + context.attempt


def about_a_job(job: str) -> str:
    return job


def anything(**named: object) -> object:
    return named


def generator(a: int) -> Iterator[int]:
    yield a


async def async_generator(a: int) -> AsyncIterator[int]:
    yield a


def lacks_a_json_form(callback: Callable[[], None]) -> None: ...


def make_local() -> Callable[[], None]:
    def local() -> None: ...

    return local


def make_local_class() -> type:
    @dataclass
    class Local:
        def run(self) -> None: ...

    return Local


a_lambda = lambda a: a  # noqa: E731


class Plain:
    def run(self) -> None: ...

    def method(self) -> None: ...


@dataclass
class Quotient:
    a: int
    b: int = 1

    def run(self) -> float:
        return self.a / self.b


@dataclass
class AsyncQuotient:
    a: int

    async def run(self, context: JobContext) -> float:
        return self.a / context.attempt


class Parcel(msgspec.Struct):
    order: int

    def run(self) -> int:
        return self.order


@dataclass(frozen=True, slots=True)
class Product(JobClass):
    a: int
    b: int = 1

    def run(self) -> int:
        return self.a * self.b


class Shipment(JobClass, msgspec.Struct):
    order: int

    def run(self) -> int:
        return self.order


@dataclass
class Undeclared(JobClass):
    def run(self) -> None: ...


@dataclass
class WithoutRun:
    a: int


@dataclass
class RunTakesMore:
    a: int

    def run(self, b: int) -> None: ...


@dataclass
class HidesUsing:
    using: str

    def run(self) -> None: ...


@dataclass
class HidesEnqueue:
    a: int

    def run(self) -> None: ...

    def enqueue(self) -> None: ...
