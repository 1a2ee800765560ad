"""Heartbeats of a worker with a long past: beside an old snapshot, a look at all of it is slow."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from django_jobqueue import JobState
from django_jobqueue.core.specs import Beat
from django_jobqueue.models import Job
from tests.store.helpers import make_job

from .test_heartbeat import Pulse

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]


@pytest.fixture(params=[(0.1, 20.0), (10.0, 60.0)], ids=["for long", "for very long"])
def slow(request: pytest.FixtureRequest) -> tuple[Pulse, float]:
    """One that has looked at everything, and how long it need not do so again: half a hundredth of
    the time may go into that, and it is once a minute in any case.
    """
    took, pause = request.param
    pulse = Pulse()

    class Slow(type(pulse.store)):  # type: ignore[misc]
        def heartbeat(_, worker_id: UUID, **options: Any) -> Beat:
            pulse.time.passes(took if options["since"] is None else 0.0)
            beat: Beat = super().heartbeat(worker_id, **options)
            return beat

    pulse.lease._store = Slow("default")
    pulse.heartbeat.tick()
    pulse.heartbeat.tick()
    return pulse, pause


def test_claims_that_it_knows_nothing_of_are_found_by_the_next_heartbeat(
    slow: tuple[Pulse, float],
) -> None:
    pulse, _ = slow
    job = make_job(JobState.RUNNING, worker_id=pulse.membership.worker_id)
    # After what the last one has looked at, and old enough.
    Job.objects.update(claimed_at=pulse.store.database_now() - timedelta(seconds=9))
    pulse.lease._reconcile_after = timedelta(seconds=8)

    pulse.heartbeat.tick()

    assert pulse.told.of("worker.reconciled") == [{"job_ids": (job.pk,)}]


def test_those_that_were_committed_too_late_for_that_once_all_is_looked_at(
    slow: tuple[Pulse, float],
) -> None:
    pulse, pause = slow
    job = make_job(JobState.RUNNING, worker_id=pulse.membership.worker_id)
    Job.objects.update(claimed_at=pulse.store.database_now() - timedelta(minutes=1))

    pulse.time.passes(pause - 0.1)
    pulse.heartbeat.tick()
    assert pulse.told.of("worker.reconciled") == []
    pulse.time.passes(0.2)
    pulse.heartbeat.tick()

    assert pulse.told.of("worker.reconciled") == [{"job_ids": (job.pk,)}]
