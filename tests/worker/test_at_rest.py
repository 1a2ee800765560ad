"""A pump that rests: it asks for nothing until it is woken, and holds no connection meanwhile."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from django_jobqueue import JobState
from django_jobqueue.core.clock import monotonic
from django_jobqueue.models import Job
from django_jobqueue.service import StopSender

from .bench import Bench
from .site import COMMITTED, PATIENCE, Site, within

pytestmark = COMMITTED
POLL_SECONDS = 0.01


class Resting:
    """A pump in a thread of its own that rests whenever it finds nothing."""

    def __init__(self) -> None:
        self._rests = threading.Semaphore(0)
        self.bench = Bench(
            at_rest=self._rests.release, elapsed=monotonic, poll_seconds=POLL_SECONDS
        )
        self._stop = StopSender()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.bench.pump.run(self._stop.receiver())
        connections.close_all()

    def rests(self, *, within: float = PATIENCE) -> bool:
        """Whether it comes to rest once more in so many seconds."""
        return self._rests.acquire(timeout=within)

    def stop(self) -> None:
        self._stop.send()
        self._thread.join(PATIENCE)
        assert self.bench.pump.drained.is_set()


@pytest.fixture
def resting() -> Iterator[Resting]:
    it = Resting()
    assert it.rests()
    yield it
    it.stop()


def test_it_does_not_look_again_by_itself(resting: Resting) -> None:
    assert not resting.rests(within=20 * POLL_SECONDS)


def test_it_looks_when_it_is_woken(resting: Resting) -> None:
    job_id = resting.bench.enqueue()

    resting.bench.pump.wake()
    assert not resting.rests(within=20 * POLL_SECONDS), "it has something in hand"
    assert resting.bench.running == [job_id]
    resting.bench.end_all()

    assert resting.rests()
    assert resting.bench.state_of(job_id) == JobState.SUCCEEDED


def test_it_retires_from_its_rest(resting: Resting) -> None:
    resting.bench.pump.retire()

    assert resting.bench.pump.drained.wait(PATIENCE)


@pytest.mark.postgresql
def test_a_quarantine_holds_no_connection_while_it_rests(site: Site) -> None:
    handle = site.job(lambda: None, name="suspect").enqueue()
    Job.objects.filter(pk=handle.id).update(rescues=1)
    with site.working(options={"suspects": True}) as running:
        assert handle.wait(PATIENCE).state == JobState.SUCCEEDED

        pump: Any = running.worker.pump
        assert within(PATIENCE, lambda: pump._store.session._connection is None)
