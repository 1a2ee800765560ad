"""What a worker holds in advance is given back when its jobs turn slow."""

import pytest

from django_jobqueue import JobState
from django_jobqueue.models import Job

from .bench import Bench

pytestmark = pytest.mark.django_db


def test_what_was_claimed_ahead_of_quick_jobs_goes_back_when_they_turn_slow() -> None:
    bench = Bench(sync_slots=1)
    for _ in range(100):
        bench.enqueue()
    while Job.objects.exists():
        bench.pump.wake()
        bench.pump.tick()
        bench.time.passes(0.001)
        bench.end_all()
        bench.outbox.write()
    slow = [bench.enqueue() for _ in range(9)]
    bench.pump.wake()
    while bench.pump.tick():
        pass
    assert (bench.running, len(bench.in_hand)) == (slow[:1], 9)

    bench.time.passes(60)
    bench.pump.tick()

    assert (bench.running, len(bench.in_hand)) == (slow[:1], 1)
    assert {bench.state_of(job_id) for job_id in slow[1:]} == {JobState.READY}
    assert not Job.objects.filter(pk__in=slow[1:], attempt__gt=0).exists()
