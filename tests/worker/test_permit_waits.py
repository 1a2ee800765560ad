"""What happens while a strategy is waited for, and when it takes too long."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from django_jobqueue import Constant, JobState
from django_jobqueue.core.specs import ClaimedJob
from django_jobqueue.models import Job, WorkerRecord
from django_jobqueue.permits.chain import MOST_OVERDUE

from .site import COMMITTED, PATIENCE, Site, within
from .strategies import Noting, Slow, no_permit_is_held
from .test_executor import TrialOf, trial_of

__all__ = ["trial_of"]  # a fixture

pytestmark = COMMITTED

BACKOFF = Constant(300, jitter=0)


@pytest.fixture
def notes() -> Iterator[list[str]]:
    yield []
    assert no_permit_is_held()


def test_a_strategy_that_takes_too_long_counts_as_try_after(site: Site, notes: list[str]) -> None:
    slow = Slow(notes)
    runs = site.counted("note", permits=[slow, Noting("a", notes)], backoff=BACKOFF)
    handle = site.declared["note"].enqueue()
    site.work(permit_wait=0.01)

    row = Job.objects.get(pk=handle.id)
    assert (row.state, row.attempt, runs) == (JobState.SCHEDULED, 0, [])
    assert row.run_at - row.created_at >= timedelta(seconds=300)
    assert notes == []
    slow.go_on.set()
    assert no_permit_is_held()
    assert notes == ["+slow", "-slow"], "what it grants too late is given back"


def test_a_strategy_that_never_answers_is_not_asked_for_ever(site: Site, notes: list[str]) -> None:
    slow = Slow(notes)
    site.counted("note", permits=[slow], backoff=BACKOFF)
    for _ in range(MOST_OVERDUE + 3):
        site.declared["note"].enqueue()
    with site.working(concurrency=1, permit_wait=0.01) as running:
        running.told.wait_for("job.permit_refused", times=MOST_OVERDUE + 3)
        asked = sum(thread.name == "jobqueue-permit" for thread in threading.enumerate())
        slow.go_on.set()

    assert asked == MOST_OVERDUE


def test_its_lease_is_kept_meanwhile(site: Site, notes: list[str]) -> None:
    slow = Slow(notes)
    runs = site.counted("note", permits=[slow])
    site.declared["note"].enqueue()
    with site.working(heartbeat_interval=0.05, lease=5) as running:
        assert slow.was_asked()
        first = WorkerRecord.objects.get().lease_expires_at
        # Heartbeats give back what is not in hand, after two of them.
        later = first + timedelta(seconds=0.3)
        assert within(PATIENCE, lambda: WorkerRecord.objects.get().lease_expires_at > later)
        slow.go_on.set()
        running.told.wait_for("job.succeeded")

    assert runs == ["note"]
    assert "worker.reconciled" not in site.told.names


@pytest.mark.parametrize("what", ["request_cancel", "interrupt", "lose_lease"])
def test_a_job_that_is_called_off_meanwhile_does_not_run(
    trial_of: TrialOf, notes: list[str], what: str
) -> None:
    class CalledOff(Noting):
        def acquire(self, job: ClaimedJob) -> Any:
            getattr(trial.held, what)()
            return super().acquire(job)

    trial = trial_of(lambda: notes.append("run"), permits=[CalledOff("a", notes)])
    trial.executor.perform(trial.held)

    expected = JobState.CANCELLED if what == "request_cancel" else JobState.READY
    assert trial.answer.transition.state == expected
    assert trial.answer.transition.attempt_change == -1
    assert notes == ["+a", "-a"]
