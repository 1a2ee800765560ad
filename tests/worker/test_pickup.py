"""What lies between the wake-up of an idle worker and the start of the handler, counted."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import pytest

from django_jobqueue import Queue
from django_jobqueue.core.limits import HandlerLimits, Limit
from django_jobqueue.models import Job
from django_jobqueue.store.meanwhile import Meanwhile, nothing
from django_jobqueue.store.postgresql import PostgreSQLStore
from django_jobqueue.store.sessions import DjangoSession, Parameters, Row, Statement

from .bench import Bench

pytestmark = pytest.mark.django_db

#: As long as the pump trusts what it knows of limits.
LONG = 10.0


class CountingSession(DjangoSession):
    """Counts what a connection of its own would send apart."""

    def __init__(self, using: str) -> None:
        super().__init__(using)
        self.round_trips = 0
        self._is_together = False

    def rows(self, sql: str, parameters: Parameters) -> list[Row]:
        self.round_trips += not self._is_together
        return super().rows(sql, parameters)

    def together(
        self, statements: Sequence[Statement], *, meanwhile: Meanwhile = nothing
    ) -> list[list[Row]]:
        self.round_trips += 1
        self._is_together = True
        try:
            return super().together(statements, meanwhile=meanwhile)
        finally:
            self._is_together = False

    @contextmanager
    def atomic(self) -> Iterator[None]:
        self.round_trips += 2 * (not self._is_together)
        with super().atomic():
            yield


def idle(session: CountingSession, *, limit: HandlerLimits | None = None) -> Bench:
    """One that has run two jobs and then waited, where that limit is declared."""
    bench = Bench(store=PostgreSQLStore("default", session=session))
    if limit is not None:
        bench.handler_limits.append(limit)
    for _ in range(2):
        bench.enqueue()
        bench.look()
        bench.end_all()
        bench.look()
    bench.time.passes(bench.pump.rest())
    bench.pump.tick()
    return bench


def woken_for_a_job(bench: Bench) -> None:
    bench.enqueue()
    bench.pump.wake("default")


@pytest.mark.postgresql
class TestRoundTrips:
    def test_there_is_one(self) -> None:
        session = CountingSession("default")
        bench = idle(session)
        woken_for_a_job(bench)
        session.round_trips = 0

        bench.pump.tick()

        assert (len(bench.running), session.round_trips) == (1, 1)

    def test_limits_are_asked_for_in_it(self) -> None:
        session = CountingSession("default")
        bench = idle(session)
        bench.time.passes(LONG)
        woken_for_a_job(bench)
        session.round_trips = 0

        bench.pump.tick()

        assert (len(bench.running), session.round_trips) == (1, 1)
        assert not bench.limits.are_asked_beside()

    def test_where_jobs_come_now_and_then_limits_are_asked_for_as_they_end(self) -> None:
        bench = idle(CountingSession("default"))
        asked = []
        for _ in range(20):
            bench.time.passes(0.3)
            woken_for_a_job(bench)
            asked.append(bench.limits.are_asked_beside())
            bench.pump.tick()
            bench.end_all()
            bench.pump.tick()

        assert not any(asked)

    def test_a_limit_that_another_handler_has_costs_no_further_one(self) -> None:
        session = CountingSession("default")
        bench = idle(session, limit=HandlerLimits(name="tests.other", limit=Limit(max_running=1)))
        woken_for_a_job(bench)
        session.round_trips = 0

        bench.pump.tick()

        assert (len(bench.running), session.round_trips) == (1, 1)

    def test_what_a_claim_has_left_behind_is_taken_by_the_next(self) -> None:
        limit = HandlerLimits(name="tests.other", limit=Limit(max_running=1))
        bench = idle(CountingSession("default"), limit=limit)
        woken_for_a_job(bench)
        limited = bench.enqueue(handler="tests.other")

        bench.pump.tick()
        assert limited not in bench.running
        bench.time.passes(bench.pump.rest())
        bench.pump.tick()

        assert limited in bench.running


def test_a_queue_that_was_limited_meanwhile_is_claimed_from_within_its_limit() -> None:
    bench = Bench(sync_slots=4)
    bench.enqueue()
    bench.look()
    bench.end_all()
    bench.look()
    bench.time.passes(LONG)
    Queue("default").configure(max_running=1)
    ids = [bench.enqueue() for _ in range(3)]
    bench.pump.wake("default")

    bench.pump.tick()
    assert bench.running == []
    assert bench.pump.rest() == 0
    bench.pump.tick()

    assert bench.running == ids[:1]
    rows = Job.objects.order_by("id").values_list("attempt", "reprocess_count", "rescues")
    assert list(rows) == [(1, 0, 0), (0, 0, 0), (0, 0, 0)]


@pytest.mark.parametrize("until_empty", [False, True])
def test_the_first_job_with_a_key_is_looked_for_at_once(until_empty: bool) -> None:
    bench = Bench(until_empty=until_empty)
    bench.enqueue()
    bench.look()
    bench.end_all()
    bench.look()
    bench.time.passes(LONG)
    keyed = bench.enqueue(concurrency_key="k")
    bench.pump.wake("default")

    bench.pump.tick()
    assert (bench.pump.rest(), bench.pump._is_done()) == (0, False)
    bench.pump.tick()

    assert bench.running == [keyed]


@pytest.mark.parametrize(("queue", "bounds"), [("default", (1, 1)), (None, (10, 20))])
def test_whoever_told_of_a_job_by_name_has_told_of_all(
    queue: str | None, bounds: tuple[int, int]
) -> None:
    bench = Bench(debounce=0.1)
    for _ in range(2):
        bench.time.passes(5.0)
        bench.enqueue()
        bench.pump.wake(queue)
        bench.pump.tick()
        bench.end_all()
    bench.pump.tick()

    looks, until = 0, bench.time() + 0.25
    while bench.time() + bench.pump.rest() < until:
        bench.time.passes(bench.pump.rest())
        bench.pump.tick()
        looks += 1

    assert bounds[0] <= looks <= bounds[1]


@contextmanager
def own_calls_counted() -> Iterator[list[int]]:
    """Yield how many functions of the package this thread has called in the block, at its end."""
    calls = [0]

    def count(frame: FrameType, event: str, argument: object) -> None:
        calls[0] += event == "call" and frame.f_globals["__name__"].startswith("django_jobqueue")

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def test_few_functions_are_called_for_it() -> None:
    bench = Bench()
    bench.bus.unsubscribe(bench.told)
    for _ in range(2):
        bench.enqueue()
        bench.look()
        bench.end_all()
        bench.look()
    bench.time.passes(bench.pump.rest())
    bench.pump.tick()
    woken_for_a_job(bench)

    with own_calls_counted() as calls:
        assert bench.pump.tick() == 1

    # After a pause each of them takes as long as ten do in a busy worker.
    assert calls[0] <= (175 if bench.store.has_one_writer else 195)
