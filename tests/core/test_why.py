"""What keeps a job from running, told from what was gathered about it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_jobqueue.core.limits import HandlerLimits, Limit
from django_jobqueue.core.refusals import Bounds
from django_jobqueue.core.snapshots import JobSnapshot, RunningJob
from django_jobqueue.core.states import JobState
from django_jobqueue.core.why import BlockerKind, Facts, explain

from .snapshots import a_job, a_worker

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
FULL = Bounds(
    handlers=("send",),
    declared=HandlerLimits(name="send", limit=Limit(max_running=1)),
    running=[RunningJob(id=2, queue="mail", handler="send", key=None, worker_id=None)],
)


def told(job: JobSnapshot, **facts: Any) -> dict[BlockerKind, str]:
    """What is said of a job that a living worker serves."""
    known = {"handler": "send", "workers": [a_worker(handlers=("send",))], **facts}
    blockers = explain(Facts(job=job, now=NOON, **known)).blockers
    return {blocker.kind: blocker.told for blocker in blockers}


def waiting(state: JobState = JobState.READY, **said: Any) -> JobSnapshot:
    return a_job(state=state, rescues=0, attempt=0, max_attempts=3, **said)


@pytest.mark.parametrize(
    ("job", "is_due"),
    [
        (waiting(JobState.SCHEDULED, run_at=LATER), False),
        (waiting(JobState.SCHEDULED, run_at=NOON), True),
        (waiting(JobState.SCHEDULED), True),
        (waiting(JobState.BLOCKED, run_at=LATER), True),
    ],
)
def test_a_scheduled_job_is_not_due_before_its_time(job: JobSnapshot, is_due: bool):
    assert (BlockerKind.NOT_DUE not in told(job)) is is_due


@pytest.mark.parametrize(
    ("expires_at", "has_expired"), [(None, False), (LATER, False), (NOON, True)]
)
def test_a_job_has_expired_once_its_time_is_there(expires_at: datetime | None, has_expired: bool):
    assert (BlockerKind.EXPIRED in told(waiting(expires_at=expires_at))) is has_expired


def test_only_a_blocked_job_that_no_limit_blocks_waits_for_another():
    assert told(waiting(waits_for=7)) == {}
    assert list(told(waiting(JobState.BLOCKED, waits_for=7))) == [BlockerKind.WAITS_FOR_JOB]
    by_limit = waiting(JobState.BLOCKED, waits_for=7, blocked_by="handler:send")
    assert told(by_limit) == {
        BlockerKind.BLOCKED: "'handler:send' blocked it and has room again: a worker will ready it"
        " soon"
    }


def test_a_full_limit_keeps_what_is_due():
    assert list(told(waiting(), bounds=FULL)) == [BlockerKind.LIMIT_FULL]
    assert told(waiting(JobState.SCHEDULED, run_at=NOON), bounds=FULL) == {}


def test_a_blocked_job_that_names_nothing_is_told_as_such():
    assert told(waiting(JobState.BLOCKED)) == {
        BlockerKind.BLOCKED: "it is blocked, and does not say by what"
    }


def test_a_handler_is_known_where_any_worker_that_serves_the_queue_knows_it():
    two = [a_worker(handlers=("other",)), a_worker(handlers=("send",))]
    assert told(waiting(), workers=two) == {}

    serving = told(waiting(), workers=two[:1])
    elsewhere = told(waiting(), workers=[a_worker(queues=("x",), handlers=("other",))])
    assert serving[BlockerKind.HANDLER_UNKNOWN] == (
        "none of 1 living workers that serve its queue knows its handler 'send'"
    )
    assert elsewhere[BlockerKind.HANDLER_UNKNOWN] == (
        "none of 1 living workers knows its handler 'send'"
    )


@pytest.mark.parametrize(("rescues", "times"), [(1, "1 time:"), (2, "2 times:")])
def test_a_suspect_is_told_how_often_its_worker_died(rescues: int, times: str):
    found = told(a_job(rescues=rescues))

    assert found[BlockerKind.SUSPECT].startswith(f"its worker died while it ran, {times} it waits")


def test_what_is_not_known_of_a_run_is_left_out():
    job = a_job(state=JobState.RUNNING, worker_id=7, attempt=1, max_attempts=3)

    assert told(job) == {
        BlockerKind.RUNNING: "it runs on worker 7, attempt 1 of 3, no deadline",
        BlockerKind.WORKER_GONE: "its worker has no row any more: a living worker will take the job"
        " back",
    }


def test_an_end_without_a_time_is_told_without_one():
    job = a_job(state=JobState.SUCCEEDED, attempt=1, max_attempts=3)

    assert told(job) == {BlockerKind.SUCCEEDED: "it has ended: succeeded, attempt 1 of 3"}
