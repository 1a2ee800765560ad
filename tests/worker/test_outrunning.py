"""Jobs that take less time than an exchange begin once the next one is on its way."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from django_jobqueue.models import Job
from django_jobqueue.worker.hands import HeldJob
from django_jobqueue.worker.lane import Lane
from tests.claims import a_claim

from .bench import Bench, HandRunners, Time

pytestmark = pytest.mark.django_db

Exchange = Callable[..., Any]


@pytest.fixture
def bench() -> Bench:
    """A pump with jobs in hand, and more to claim."""
    bench = Bench(sync_slots=1)
    bench.learn_that_jobs_are_quick()
    for _ in range(2):
        claimed = bench.pump.tick()
        for _ in range(5):
            bench.enqueue()
        bench.pump.wake()
    assert claimed == 5
    return bench


def tick_by(bench: Bench, exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> int:
    """One round, which calls this with the exchange that it would make."""
    store = type(bench.store)
    real = store.finish_and_claim
    with monkeypatch.context() as patch:
        patch.setattr(
            store, "finish_and_claim", lambda *args, **asked: exchange(real, *args, **asked)
        )
        return bench.pump.tick()


def outrun_an_exchange(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """One round, in which all ends that ran when it began."""

    def late(exchange: Exchange, *args: Any, **asked: Any) -> Any:
        answer = exchange(*args, **asked)
        while bench.running:
            bench.end_all()
        return answer

    assert tick_by(bench, late, monkeypatch) == 5


def test_they_begin_before_the_answer_to_the_next_exchange(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    running: list[int] = []

    def watched(exchange: Exchange, *args: Any, meanwhile: Callable[[], object], **asked: Any):
        def begin() -> None:
            running.append(len(bench.running))
            meanwhile()
            running.append(len(bench.running))

        return exchange(*args, meanwhile=begin, **asked)

    outrun_an_exchange(bench, monkeypatch)
    assert bench.pump.rest() == 0

    tick_by(bench, watched, monkeypatch)

    assert running == [0, 1]


def test_they_begin_although_the_database_fails(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(exchange: Exchange, *args: Any, **asked: Any) -> Any:
        raise OperationalError("the connection is lost")

    outrun_an_exchange(bench, monkeypatch)
    assert bench.running == []

    tick_by(bench, failing, monkeypatch)

    assert len(bench.running) == 1


def test_they_begin_at_once_where_the_next_exchange_has_to_wait(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unanswered(exchange: Exchange, *args: Any, **asked: Any) -> Any:
        _, claimed = exchange(*args, **asked)
        while bench.running:
            bench.end_all()
        # As if an earlier commit were unknown, and the look at what it wrote failed.
        monkeypatch.setattr(type(bench.store), "written_under", failing)
        bench.outbox.failed(OperationalError("the connection is lost"))
        return set(), claimed

    def failing(*args: Any) -> Any:
        raise OperationalError("the connection is lost")

    bench.end_all()
    assert tick_by(bench, unanswered, monkeypatch) == 5

    assert bench.pump.rest() > 0
    assert len(bench.running) == 1


def test_they_are_given_back_by_a_worker_that_retires(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    outrun_an_exchange(bench, monkeypatch)
    held = len(bench.in_hand)

    bench.pump.retire()
    bench.pump.tick()

    assert (held, len(bench.in_hand), bench.running) == (10, 0, [])
    assert Job.objects.filter(state="ready", attempt=0).count() == Job.objects.count() == 5


def test_jobs_that_take_longer_begin_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_ends(exchange: Exchange, *args: Any, **asked: Any) -> Any:
        answer = exchange(*args, **asked)
        bench.slots.take_back()
        bench.end_all()
        return answer

    assert tick_by(bench, one_ends, monkeypatch) == 5

    assert len(bench.running) == 1


def test_they_begin_although_nothing_is_asked_of_the_database(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(exchange: Exchange, *args: Any, **asked: Any) -> Any:
        answer = exchange(*args, **asked)
        while bench.running:
            for held in bench.sync.running:
                held.was_written()  # in the transaction of its handler
            bench.end_all()
        return answer

    assert tick_by(bench, late, monkeypatch) == 5
    monkeypatch.setattr(bench.membership, "may_claim", lambda: False)

    bench.pump.tick()

    assert len(bench.running) == 1


class TestALane:
    """One with a slot, that has ended two jobs and was given three."""

    time: Time
    runners: HandRunners

    @pytest.fixture
    def held(self) -> list[HeldJob]:
        return [HeldJob(a_claim(id=number), None) for number in range(5)]

    @pytest.fixture
    def lane(self, held: list[HeldJob]) -> Lane:
        self.time, self.runners = Time(), HandRunners(slots=1)
        lane = Lane(self.runners, elapsed=self.time)
        lane.take(held[:2])
        for one in held[:2]:
            self.time.passes(0.01)
            one.has_ended = True
            lane.ended.append(self.time())
        self.runners.running.clear()
        self.runners.parked.clear()
        lane.take(held[2:])
        return lane

    def test_knows_that_they_wait(self, lane: Lane) -> None:
        assert (lane.waiting(), self.runners.running) == (3, [])

        lane.begin()

        assert (lane.waiting(), len(self.runners.running)) == (2, 1)

    def test_gives_each_to_its_runners_once(self, lane: Lane, held: list[HeldJob]) -> None:
        lane.begin()
        lane.begin()

        assert [*self.runners.running, *self.runners.parked] == held[2:]

    def test_takes_them_back_behind_those_that_its_runners_have(
        self, lane: Lane, held: list[HeldJob]
    ) -> None:
        lane.begin()
        last = HeldJob(a_claim(id=9), None)
        lane.take([last])

        assert lane.take_back() == [*held[3:], last]
        assert lane.take_back() == []

    def test_takes_those_back_whose_queue_was_paused(self, lane: Lane, held: list[HeldJob]) -> None:
        assert lane.take_back_of({"default"}) == held[2:]
        assert (lane.waiting(), self.runners.running) == (0, [])

    def test_does_not_count_the_time_until_they_begin(self, lane: Lane) -> None:
        before = lane.prefetch.jobs(ended=2)
        assert before > 0

        self.time.passes(60)
        lane.begin()

        assert lane.prefetch.jobs(ended=2) == before
