"""The pump while the database is away: how often it tries, and what it says."""

from typing import Any

import pytest

from .bench import Bench
from .test_pump_failures import GONE, failing_store, pass_the_retry

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Any:
    return failing_store()


def test_while_the_database_is_away_the_pump_tries_less_and_less_often(store: Any) -> None:
    bench = Bench(store=store)
    store.before = [GONE] * 9
    bench.enqueue()
    bench.pump.tick()
    rests = []
    while store.before:
        rests.append(bench.pump.rest())
        assert bench.pump.tick() == 0  # too early: nothing is tried
        pass_the_retry(bench)

    assert 0.05 <= rests[0] <= 0.1
    assert all(1.0 <= rest <= 2.0 for rest in rests[-3:])


def test_an_outage_is_told_once_and_so_is_its_end(store: Any) -> None:
    bench = Bench(store=store)
    store.before = [GONE] * 5
    bench.enqueue()
    bench.pump.tick()
    for _ in range(7):
        pass_the_retry(bench)

    [failed, answered] = [told for told in bench.told.events if "database" in told[0]]
    assert failed[0] == "pump.database_failed"
    assert failed[1]["error"] is GONE
    assert answered == ("pump.database_answered", {})
