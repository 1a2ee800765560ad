"""What a worker holds in advance is given back when its jobs turn slow."""

import pytest

from django_jobqueue import JobState
from django_jobqueue.models import Job
from django_jobqueue.worker.hands import HeldJob
from django_jobqueue.worker.lane import Lane
from tests.claims import a_claim

from .bench import Bench, HandRunners, Time

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


def test_what_has_just_come_is_not_given_back_because_an_exchange_took_long() -> None:
    time, runners = Time(), HandRunners(slots=1)
    lane = Lane(runners, elapsed=time)
    jobs = [HeldJob(a_claim(), None) for _ in range(9)]
    lane.take(jobs)  # nobody knows any more how fast they were
    assert lane.surplus() == []

    time.passes(0.1)

    assert lane.surplus() == jobs[1:]
