"""Every kind of handler, from `enqueue` to its result, through a worker that really runs."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

import msgspec

from django_jobqueue import JobContext, JobState

from .site import COMMITTED, PATIENCE, Gate, Site

pytestmark = COMMITTED

WHEN = datetime(2026, 1, 15, 12, 30, tzinfo=UTC)
WHO = UUID("74f3a15b-75c0-4889-9546-63b02ff304e4")


class Colour(Enum):
    RED = "red"


@dataclass
class Address:
    street: str
    number: int


def test_a_function_gets_its_arguments_by_position_and_by_name(site: Site) -> None:
    @site.job
    def pair(a: int, b: int = 1, *, c: int = 0) -> list[int]:
        return [a, b, c]

    handles = [pair.enqueue(1), pair.enqueue(1, 2), pair.enqueue(a=1, b=2, c=3)]
    site.work()

    assert [one.refresh().result for one in handles] == [[1, 1, 0], [1, 2, 0], [1, 2, 3]]


def test_arguments_arrive_as_the_types_that_were_declared(site: Site) -> None:
    got: list[object] = []

    @site.job
    def deliver(when: datetime, who: UUID, amount: Decimal, colour: Colour, where: Address) -> None:
        got.extend([when, who, amount, colour, where])

    sent = [WHEN, WHO, Decimal("1.10"), Colour.RED, Address("Main Street", 7)]
    deliver.enqueue(*sent)
    site.work()

    assert got == sent


def test_a_result_may_be_typed_and_is_stored_in_its_json_form(site: Site) -> None:
    @site.job
    def measure() -> dict[str, object]:
        return {"when": WHEN, "where": Address("Main Street", 7), "colour": Colour.RED}

    handle = measure.enqueue()
    site.work()

    assert handle.refresh().result == {
        "when": "2026-01-15T12:30:00Z",
        "where": {"street": "Main Street", "number": 7},
        "colour": "red",
    }


def test_async_handlers_run_side_by_side_in_one_process(site: Site) -> None:
    arrived: list[int] = []

    @site.job
    async def meet(number: int) -> bool:
        arrived.append(number)
        async with asyncio.timeout(PATIENCE):
            while len(arrived) < 3:
                await asyncio.sleep(0)
        return True

    handles = [meet.enqueue(number) for number in range(3)]
    site.work(async_concurrency=3)

    assert all(one.refresh().result is True for one in handles)


def test_sync_handlers_run_side_by_side_in_threads(site: Site) -> None:
    gate = Gate()
    job = site.job(gate.pass_through, name="meet")
    handles = [job.enqueue() for _ in range(2)]
    with site.working(concurrency=2):
        gate.entered()
        gate.entered()
        gate.open()
        site.told.wait_for("job.succeeded", times=2)

    assert [one.refresh().state for one in handles] == [JobState.SUCCEEDED] * 2


def test_a_dataclass_is_made_anew_and_run(site: Site) -> None:
    @site.job
    @dataclass
    class Divide:
        a: int
        b: int = 1

        def run(self) -> float:
            return self.a / self.b

    handles = [Divide.enqueue(a=6, b=4), Divide(6).enqueue()]  # type: ignore[attr-defined]
    site.work()

    assert [one.refresh().result for one in handles] == [1.5, 6.0]


def test_an_async_dataclass_may_ask_for_its_context(site: Site) -> None:
    @site.job
    @dataclass
    class Ship:
        order: int

        async def run(self, context: JobContext) -> list[int]:
            return [self.order, context.attempt]

    handle = Ship.enqueue(7)  # type: ignore[attr-defined]
    site.work()

    assert handle.refresh().result == [7, 1]


def test_a_struct_is_a_job_as_a_dataclass_is(site: Site) -> None:
    class Parcel(msgspec.Struct):
        order: int

        def run(self) -> int:
            return self.order

    handle = site.job(Parcel).enqueue(7)
    site.work()

    assert handle.refresh().result == 7


def test_jobs_of_one_queue_begin_in_order_of_priority_and_then_of_arrival(site: Site) -> None:
    order: list[str] = []

    @site.job
    def note(name: str) -> None:
        order.append(name)

    for name, priority in (("third", 0), ("first", 5), ("fourth", 0), ("second", 5), ("last", -1)):
        note.using(priority=priority).enqueue(name)
    site.work(concurrency=1)

    assert order == ["first", "second", "third", "fourth", "last"]


def test_a_large_backlog_is_run_once_each(site: Site) -> None:
    @site.job
    def note(number: int) -> int:
        return number

    handles = note.enqueue_many([{"number": number} for number in range(1_000)])
    site.work()

    assert site.told.names.count("job.succeeded") == 1_000
    assert [one.refresh().result for one in handles[::100]] == list(range(0, 1_000, 100))
