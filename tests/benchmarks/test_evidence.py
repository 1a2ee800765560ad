"""A figure is believed only after this check, so the check must be able to fail."""

import pytest
from django.db.models import F

from benchmarks.evidence import NotExactlyOnce, check_exactly_once
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
