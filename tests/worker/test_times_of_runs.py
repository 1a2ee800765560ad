"""How long a job waited and ran, with time that passes as the test says."""

from datetime import timedelta

from django_jobqueue.core.specs import Transition
from django_jobqueue.core.states import JobState
from django_jobqueue.worker.hands import HeldJob
from tests.claims import MOMENT, a_claim

from .bench import Time

SUCCEEDED = Transition(state=JobState.SUCCEEDED)


def test_a_run_is_as_long_as_its_handler_took_and_the_wait_goes_before() -> None:
    time = Time()
    held = HeldJob(a_claim(ready_at=MOMENT - timedelta(seconds=5)), None, elapsed=time)
    time.passes(2)
    held.begin()
    time.passes(3)

    done = held.finished(SUCCEEDED)

    assert done.attempted_at == MOMENT + timedelta(seconds=2)
    assert (done.wait_seconds, done.run_seconds) == (7, 3)


def test_what_did_not_start_has_no_times() -> None:
    done = HeldJob(a_claim(), None).finished(SUCCEEDED)

    assert (done.attempted_at, done.wait_seconds, done.run_seconds) == (None, None, None)


def test_nobody_waits_for_less_than_nothing() -> None:
    held = HeldJob(a_claim(ready_at=MOMENT + timedelta(hours=1)), None, elapsed=Time())
    held.begin()

    assert held.finished(SUCCEEDED).wait_seconds == 0
