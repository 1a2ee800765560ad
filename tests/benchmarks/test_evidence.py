"""A figure is believed only after this check, so the check must be able to fail."""

import pytest
from django.db.models import F

from benchmarks.evidence import (
    NotExactlyOnce,
    check_exactly_once,
    check_those_that_ran,
)
from django_jobqueue.models import ArchivedJob, DeadJob, Job

pytestmark = pytest.mark.django_db

JOBS = 5


@pytest.fixture(autouse=True)
def _every_job_finished_once() -> None:
    ArchivedJob.objects.bulk_create(
        ArchivedJob(
            id=100 + number, attempt=1, payload={"args": [number], "kwargs": {}}, state="succeeded"
        )
        for number in range(JOBS)
    )


def refusal(*, calls=range(JOBS)) -> str:
    with pytest.raises(NotExactlyOnce) as caught:
        check_exactly_once(JOBS, calls=calls)
    return str(caught.value)


def test_jobs_that_each_ran_and_finished_once_pass():
    check_exactly_once(JOBS, calls=[4, 2, 0, 1, 3])


def test_a_job_that_is_missing_from_the_archive_is_found():
    ArchivedJob.objects.get(id=102).delete()

    message = refusal()

    assert "archived: 4 instead of 5" in message
    assert "arguments in the archive: 1 missing, such as 2" in message


def test_an_argument_that_was_archived_twice_is_found():
    ArchivedJob.objects.filter(id=104).update(payload={"args": [], "kwargs": {"number": 0}})

    assert "arguments in the archive: 1 more than once, such as 0" in refusal()


def test_an_argument_that_nobody_enqueued_is_found():
    ArchivedJob.objects.filter(id=104).update(payload={"args": [77], "kwargs": {}})

    assert "arguments in the archive: 1 never enqueued, such as 77" in refusal()


def test_a_job_that_needed_a_second_attempt_is_found():
    ArchivedJob.objects.filter(id=103).update(attempt=F("attempt") + 1)

    assert "succeeded on the first attempt: 4 instead of 5" in refusal()


def test_a_job_that_was_cancelled_is_found():
    ArchivedJob.objects.filter(id=103).update(state="cancelled")

    assert "succeeded on the first attempt: 4 instead of 5" in refusal()


def test_a_job_that_is_still_live_is_found():
    Job.objects.create()

    assert "left in the job table: 1 instead of 0" in refusal()


def test_a_dead_letter_is_found():
    DeadJob.objects.create(id=200)

    assert "dead: 1 instead of 0" in refusal()


def test_a_handler_that_was_called_twice_is_found_although_the_archive_is_right():
    message = refusal(calls=[0, 1, 2, 3, 4, 3])

    assert message.endswith("ran exactly once: calls of the handler: 1 more than once, such as 3")


def test_a_handler_that_was_never_called_is_found_although_the_archive_is_right():
    message = refusal(calls=[0, 1, 2, 3])

    assert message.endswith("ran exactly once: calls of the handler: 1 missing, such as 4")


def test_those_that_ran_may_leave_others_waiting():
    Job.objects.create()

    check_those_that_ran(JOBS + 1, calls=range(JOBS))


@pytest.mark.parametrize("calls", [[0, 1, 2, 3], [0, 1, 2, 3, 4, 4]], ids=["missing", "twice"])
def test_a_call_that_does_not_match_the_archive_is_found_while_others_wait(calls):
    with pytest.raises(NotExactlyOnce, match="called but not archived"):
        check_those_that_ran(JOBS, calls=calls)


def test_a_job_that_neither_ran_nor_waits_is_found():
    with pytest.raises(NotExactlyOnce, match="still waiting: 0 instead of 1"):
        check_those_that_ran(JOBS + 1, calls=range(JOBS))


def test_a_job_that_was_archived_twice_is_found_while_others_wait():
    ArchivedJob.objects.filter(id=104).update(payload={"args": [3], "kwargs": {}})

    with pytest.raises(NotExactlyOnce, match="archived more than once: 1 instead of 0"):
        check_those_that_ran(JOBS, calls=[0, 1, 2, 3, 3])
