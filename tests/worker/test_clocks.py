"""What is told of clocks that differ."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from django_jobqueue.events import EventBus
from django_jobqueue.store import store_for
from django_jobqueue.worker.clocks import ClockWatch
from tests.clock import FrozenClock

from .site import Told

pytestmark = pytest.mark.django_db


def told_when_ahead_by(seconds: float) -> list[Mapping[str, Any]]:
    store, told, bus = store_for("default"), Told(), EventBus()
    bus.subscribe(told)
    clock = FrozenClock(store.database_now() + timedelta(seconds=seconds))

    ClockWatch(store=store, clock=clock, events=bus).tick()

    return told.of("worker.clock_differs")


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_differs_is_told_with_its_difference(hours: int) -> None:
    [facts] = told_when_ahead_by(hours * 3600)

    assert facts["seconds_ahead_of_database"] == pytest.approx(hours * 3600, abs=5)


@pytest.mark.parametrize("seconds", [1.0, 0.0, -1.0])
def test_a_second_is_not_worth_telling(seconds: float) -> None:
    assert told_when_ahead_by(seconds) == []
