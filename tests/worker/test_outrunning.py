"""Jobs that take less time than an exchange begin once the next one is on its way."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from django_jobqueue.models import Job

from .bench import Bench

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

    assert held > 2
    assert (bench.running, len(bench.in_hand)) == ([], 0)
    assert not Job.objects.exclude(state="ready", attempt=0).exists()


def test_jobs_that_take_longer_begin_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_ends(exchange: Exchange, *args: Any, **asked: Any) -> Any:
        answer = exchange(*args, **asked)
        bench.slots.take_back()
        bench.end_all()
        return answer

    assert tick_by(bench, one_ends, monkeypatch) == 5

    assert len(bench.running) == 1
