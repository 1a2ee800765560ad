"""Receivers that take long hold up nobody at first, then the pump, and never a worker that ends."""

import threading
from collections.abc import Iterator

import pytest

from django_jobqueue.events import EventBus
from django_jobqueue.worker.telling_apart import TellingApart

from .bench import Time
from .receivers import Heard, finished, receives, teller_runs
from .site import COMMITTED, PATIENCE, Site, within


@pytest.fixture
def bus() -> EventBus:
    return EventBus()


@pytest.fixture
def heard(bus: EventBus) -> Iterator[Heard]:
    heard = Heard()
    receives(bus, heard)
    yield heard
    heard.gate.open()


@pytest.fixture
def telling(bus: EventBus) -> Iterator[TellingApart]:
    telling = TellingApart(bus)
    yield telling
    telling.close(PATIENCE)


def test_they_hold_up_nobody_who_begins(telling: TellingApart, heard: Heard) -> None:
    telling.ended(finished(*range(telling.MOST)), set(range(telling.MOST)))
    telling.begin()
    heard.gate.entered()

    assert heard.ids == []


def test_they_hold_up_the_pump_once_too_much_is_untold(telling: TellingApart, heard: Heard) -> None:
    too_many = finished(*range(telling.MOST))
    telling.ended(too_many, set(range(telling.MOST)))
    telling.begin()
    heard.gate.entered()
    has_returned = threading.Event()

    def one_more() -> None:
        telling.ended(finished(telling.MOST), {telling.MOST})
        has_returned.set()

    pump = threading.Thread(target=one_more, daemon=True)
    pump.start()
    assert not has_returned.wait(0.05)
    heard.gate.open()
    pump.join(PATIENCE)

    assert has_returned.is_set()
    assert len(heard.ids) >= telling.MOST


def test_they_hold_up_the_pump_once_they_are_far_behind(bus: EventBus, heard: Heard) -> None:
    time = Time()
    telling = TellingApart(bus, elapsed=time)
    telling.ended(finished(1), {1})
    telling.begin()
    heard.gate.entered()
    time.passes(telling.LONGEST_SECONDS + 1)
    pump = threading.Thread(target=lambda: telling.ended(finished(2), {2}), daemon=True)
    pump.start()
    pump.join(0.05)
    assert pump.is_alive()

    heard.gate.open()
    pump.join(PATIENCE)

    assert not pump.is_alive()
    telling.close(PATIENCE)


def test_they_are_given_up_when_the_time_is_over(
    telling: TellingApart, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    telling.ended(finished(1, 2), {1, 2})
    telling.begin()
    heard.gate.entered()

    telling.close(0.0)

    assert "of up to 2 jobs" in caplog.text
    heard.gate.open()
    assert within(PATIENCE, lambda: not teller_runs())
    assert heard.ids == [1]


def test_they_are_waited_for_at_the_end(telling: TellingApart, heard: Heard) -> None:
    telling.ended(finished(1), {1})
    opening = threading.Thread(target=lambda: (heard.gate.entered(), heard.gate.open()))
    opening.start()

    assert telling.tell_rest()

    opening.join(PATIENCE)

    assert heard.ids == [1]
    assert not telling.tell_rest()


@COMMITTED
def test_jobs_are_written_while_a_receiver_takes_its_time(site: Site) -> None:
    heard = Heard()
    receives(site.bus, heard)
    runs = site.counted("work")
    with site.working():
        first = site.declared["work"].enqueue()
        heard.gate.entered()
        second = site.declared["work"].enqueue()
        second.wait(PATIENCE)
        assert heard.ids == []
        heard.gate.open()

    assert heard.ids == [first.id, second.id]
    assert len(runs) == 2


@COMMITTED
def test_a_worker_ends_in_time_whatever_receivers_do(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    heard = Heard()
    receives(site.bus, heard)
    site.counted("work")
    with site.working(drain=0):
        site.declared["work"].enqueue()
        heard.gate.entered()

    assert "receivers took too long" in caplog.text
    heard.gate.open()
    assert within(PATIENCE, lambda: not teller_runs())
