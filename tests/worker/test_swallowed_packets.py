"""A worker that is stopped while the network swallows what it asks the database."""

import threading
from pathlib import Path
from typing import Any

import pytest

from django_jobqueue.core.states import JobState
from django_jobqueue.store.spool import Kind, Spool
from django_jobqueue.worker.assembly import Worker
from tests.outage import behind_a_proxy

from .site import COMMITTED, PATIENCE, Gate, Site

pytestmark = [COMMITTED, pytest.mark.postgresql]


def look_for_ever(worker: Worker) -> None:
    """Return once its pump is in a look, which nobody answers."""
    looks = threading.Event()
    pump: Any = worker.pump
    exchange = pump._exchange

    def exchange_and_tell() -> int:
        looks.set()
        claimed: int = exchange()
        looks.clear()
        return claimed

    pump._exchange = exchange_and_tell
    pump.wake()
    looks.wait(PATIENCE / 10)  # unless it has been in one since before


def test_a_worker_that_is_to_hurry_does_not_wait_for_its_drain(site: Site, tmp_path: Path) -> None:
    gate = Gate()
    site.job(gate.pass_through, name="work").enqueue()
    with (
        behind_a_proxy() as proxy,
        site.working(drain=600, spool=tmp_path) as it,
    ):
        gate.entered()
        proxy.black_hole()
        look_for_ever(it.worker)
        gate.open()
        it.worker.stop()
        it.worker.hurry()
        site.told.wait_for("outcomes.spooled")
        proxy.forward()
        it.end()


@pytest.mark.parametrize("amid_a_look", [False, True], ids=["at rest", "amid a look"])
def test_its_outcomes_are_spooled_all_the_same(
    site: Site, tmp_path: Path, amid_a_look: bool
) -> None:
    spool = Spool(tmp_path / "spool", using="default")
    gate = Gate()
    handle = site.job(gate.pass_through, name="work").enqueue()
    with (
        behind_a_proxy() as proxy,
        site.working(drain=0.3, spool=spool.path.parent) as it,
    ):
        gate.entered()
        proxy.black_hole()
        if amid_a_look:
            look_for_ever(it.worker)
        gate.open()
        it.worker.stop()
        site.told.wait_for("outcomes.spooled")
        assert len(spool.waiting(Kind.OUTCOME, limit=10)) == 1
        proxy.forward()
        it.end()
    assert handle.refresh().state == JobState.SUCCEEDED

    site.work(spool=spool.path.parent)
    assert site.told.names.count("job.succeeded") == 2  # the flush knows it by its token
    assert "job.finish_was_stale" not in site.told.names
