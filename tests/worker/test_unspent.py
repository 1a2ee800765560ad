"""An attempt is charged by the claim; a job whose handler is not called has it back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_jobqueue import DeathReason, JobHandle, JobState
from django_jobqueue.models import Job

from .site import COMMITTED, Site, the_attempt_of
from .test_executor import Trial, do_nothing

EXPIRED = {"handler": "known", "expires_at": datetime(2020, 1, 1, tzinfo=UTC)}


@COMMITTED
@pytest.mark.parametrize("before", [0, 2])
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (EXPIRED, DeathReason.EXPIRED),
        ({"handler": "unknown"}, DeathReason.HANDLER_MISSING),
        ({"handler": "known", "rescues": 3}, DeathReason.POISON),
    ],
    ids=lambda value: value.value if isinstance(value, DeathReason) else "",
)
def test_a_dead_letter_shows_the_attempts_that_ran(
    site: Site, fields: dict[str, Any], reason: DeathReason, before: int
) -> None:
    runs = site.counted("known")
    handle = JobHandle(Job.objects.create(attempt=before, max_attempts=9, **fields).pk)

    work = site.work_in_quarantine if "rescues" in fields else site.work
    work(unknown_handler_grace=timedelta(0))

    assert runs == []
    assert (handle.state, handle.snapshot.reason) == (JobState.DEAD, reason)
    assert handle.snapshot.attempt == before
    assert the_attempt_of(handle).attempt == before + 1  # the one that it did not come to


def test_a_job_that_was_cancelled_while_it_waited_in_its_worker_has_spent_nothing() -> None:
    trial = Trial(do_nothing)
    trial.held.request_cancel()

    trial.executor.perform(trial.held)

    transition = trial.answer.transition
    assert (transition.state, transition.attempt_change) == (JobState.CANCELLED, -1)
