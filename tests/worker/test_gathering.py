"""The first jobs of a worker: the second claim goes by what ended, and waits a moment for it."""

import pytest

from django_jobqueue.models import Job
from django_jobqueue.worker.lane import Lane

from .bench import Bench

pytestmark = pytest.mark.django_db

SLOTS, JOB_SECONDS = 10, 0.01
MOMENT = Lane.LONGEST_GATHERING / 2


@pytest.fixture
def bench() -> Bench:
    """All slots run the first jobs, which take a hundredth of a second; more wait in the queue."""
    bench = Bench(sync_slots=SLOTS, async_slots=SLOTS)
    for _ in range(20 * SLOTS):
        bench.enqueue()
    bench.pump.wake()
    assert bench.pump.tick() == SLOTS
    bench.time.passes(JOB_SECONDS)
    return bench


def end_one(bench: Bench) -> None:
    bench.end(bench.sync.running[0])


def test_a_claim_waits_for_those_that_began_with_the_first_to_end(bench: Bench) -> None:
    end_one(bench)
    assert bench.pump.tick() == 0
    assert 0 < bench.pump.rest() <= Lane.LONGEST_GATHERING
    assert Job.objects.filter(state="running").count() == SLOTS

    bench.time.passes(MOMENT)
    bench.end_all()

    assert bench.pump.rest() == 0
    assert bench.pump.tick() >= 80


def test_it_does_not_wait_for_long(bench: Bench) -> None:
    end_one(bench)
    bench.pump.tick()

    bench.time.passes(bench.pump.rest())

    assert bench.pump.tick() > 0
    assert bench.outbox.written == 1


def test_what_ends_soon_is_waited_for_a_part_of_that_time() -> None:
    bench = Bench(sync_slots=SLOTS, async_slots=SLOTS)
    for _ in range(SLOTS + 1):
        bench.enqueue()
    bench.pump.wake()
    bench.pump.tick()
    bench.time.passes(MOMENT)
    end_one(bench)
    bench.pump.tick()

    assert 0 < bench.pump.rest() < MOMENT


def test_one_that_ends_while_slots_are_free_is_written_at_once() -> None:
    bench = Bench(sync_slots=SLOTS, async_slots=SLOTS)
    for _ in range(SLOTS - 1):
        bench.enqueue()
    bench.pump.wake()
    bench.pump.tick()
    bench.time.passes(JOB_SECONDS)
    end_one(bench)

    bench.pump.tick()

    assert bench.outbox.written == 1


def test_once_it_is_known_how_fast_jobs_are_nothing_is_waited_for(bench: Bench) -> None:
    while bench.sync.running:
        bench.end_all()
        bench.pump.tick()
        bench.time.passes(JOB_SECONDS)
    for _ in range(SLOTS):
        bench.enqueue()
    bench.time.passes(bench.pump.rest())
    bench.pump.tick()
    assert len(bench.sync.running) == SLOTS
    written = bench.outbox.written
    bench.time.passes(JOB_SECONDS)
    end_one(bench)

    bench.pump.tick()

    assert bench.outbox.written == written + 1


def test_what_others_may_run_under_is_written_at_once(bench: Bench) -> None:
    bench.sync.running[0].is_limited = True
    end_one(bench)

    bench.pump.tick()

    assert bench.outbox.written == 1


def test_what_an_idle_lane_has_ended_is_written_at_once(bench: Bench) -> None:
    bench.enqueue(queue="elsewhere", is_async=True)
    bench.pump.wake("elsewhere")
    bench.pump.tick()
    bench.end(bench.asynchronous.running[0])
    end_one(bench)

    bench.pump.tick()

    assert bench.outbox.written == 2
