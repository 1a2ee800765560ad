"""Why a job is not running: each thing that keeps it is named."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db.models.functions import Now

from django_jobqueue import Queue, why
from django_jobqueue.core.health import COUNT_LIMIT
from django_jobqueue.core.states import JobState
from django_jobqueue.core.why import Blocker, BlockerKind
from django_jobqueue.models import Job, WorkerRecord
from tests.history import many_jobs
from tests.store.helpers import LONG_AGO, make_job

from .explained import LATER, a_worker, blockers, only

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def worker() -> UUID:
    return a_worker()


@pytest.mark.usefixtures("worker")
class TestWaiting:
    def test_nothing_keeps_a_job_that_a_worker_is_about_to_take(self):
        row = make_job(queue="mail")

        told = why(row.pk)

        assert told.blockers == ()
        assert (told.job_id, told.state, told.queue) == (row.pk, JobState.READY, "mail")
        assert (told.handler, told.asked_at.tzinfo) == ("tests.handler", UTC)

    def test_a_pause_is_told_with_its_reason_and_its_end(self):
        Queue("mail").pause("the provider's down", until=LATER)

        blocker = only(make_job(queue="mail"))

        assert (blocker.kind, blocker.until) == (BlockerKind.PAUSED, LATER)
        assert blocker.told.startswith("queue 'mail' is paused since 2")
        assert blocker.told.endswith('"the provider\'s down", until 2100-01-01 12:00:00 UTC')

    def test_a_pause_without_an_end_and_a_reason_is_told(self):
        Queue("mail").pause()

        blocker = only(make_job(queue="mail"))

        assert (blocker.kind, blocker.until) == (BlockerKind.PAUSED, None)
        assert blocker.told.endswith(" UTC")

    def test_a_pause_that_is_over_keeps_nothing(self):
        Queue("mail").pause(until=LONG_AGO)

        assert why(make_job(queue="mail").pk).blockers == ()

    def test_a_job_that_is_not_due_says_when(self):
        blocker = only(make_job(JobState.SCHEDULED, run_at=LATER))

        assert (blocker.kind, blocker.until) == (BlockerKind.NOT_DUE, LATER)
        assert blocker.told == "it is not due before 2100-01-01 12:00:00 UTC"

    def test_a_job_that_waits_for_a_retry_says_which_and_what_its_last_failure_was(self):
        error = {"type": "ValueError", "message": "no such address"}
        blocker = only(make_job(JobState.SCHEDULED, run_at=LATER, attempt=1, error=error))

        assert blocker.told.endswith(" UTC, for attempt 2 of 3")
        assert blocker.error == "ValueError: no such address"

    def test_a_job_that_is_due_waits_for_no_time_any_more(self):
        assert why(make_job(JobState.SCHEDULED, run_at=LONG_AGO).pk).blockers == ()

    def test_a_job_that_expired_before_it_ran_says_so(self):
        blocker = only(make_job(expires_at=LONG_AGO))

        assert blocker.kind is BlockerKind.EXPIRED
        assert "expired at 2020-01-01" in blocker.told

    def test_jobs_ahead_of_it_are_counted_in_the_order_of_claims(self):
        make_job(queue="mail", priority=9)
        make_job(queue="mail", ready_at=LONG_AGO)
        row = make_job(queue="mail", ready_at=datetime(2021, 1, 1, tzinfo=UTC))
        make_job(queue="mail", priority=-1, ready_at=LONG_AGO)
        make_job(queue="mail", rescues=1, ready_at=LONG_AGO)
        make_job(queue="other", ready_at=LONG_AGO)

        assert only(row) == Blocker(kind=BlockerKind.BEHIND, told="2 jobs are ahead of it")

    def test_jobs_ahead_are_counted_no_further_than_is_worth_it(self):
        many_jobs(COUNT_LIMIT + 1, state="ready", queue="mail")
        row = make_job(queue="mail", priority=-1)

        assert only(row).told == "10,000+ jobs are ahead of it"

    def test_a_suspect_waits_for_the_quarantine_and_only_behind_others(self):
        make_job(queue="mail", ready_at=LONG_AGO)
        error = {"type": "WorkerDied", "message": "killed by SIGSEGV"}
        row = make_job(queue="mail", rescues=2, error=error)

        blocker = only(row)

        assert (blocker.kind, blocker.error) == (
            BlockerKind.SUSPECT,
            "WorkerDied: killed by SIGSEGV",
        )
        assert "2 times" in blocker.told

    def test_a_job_that_waits_for_another_names_it_and_how_that_one_stands(self):
        first = make_job()
        row = make_job(JobState.BLOCKED, waits_for=first.pk)

        assert only(row).kind is BlockerKind.WAITS_FOR_JOB
        assert only(row).told == f"it waits for job {first.pk}, which is ready"
        for state, end in (
            (JobState.DEAD, "dead: requeue that one, or cancel this one"),
            (JobState.SUCCEEDED, "succeeded: a worker will let this one go on soon"),
        ):
            other = make_job(state).pk
            Job.objects.filter(pk=row.pk).update(waits_for=other)
            assert only(row).told == f"it waits for job {other}, which is {end}"
        Job.objects.filter(pk=row.pk).update(waits_for=first.pk)
        first.delete()
        assert only(row).told.endswith("which is in no table any more")

    def test_a_blocked_job_that_does_not_say_by_what_is_told_as_such(self):
        assert only(make_job(JobState.BLOCKED)).kind is BlockerKind.BLOCKED

    def test_everything_that_keeps_it_is_named_at_once(self):
        Queue("mail").pause("deploy")
        WorkerRecord.objects.update(queues=["other"], handlers=[])

        found = blockers(make_job(JobState.SCHEDULED, queue="mail", run_at=LATER))

        assert list(found) == [
            BlockerKind.PAUSED,
            BlockerKind.NOT_DUE,
            BlockerKind.NO_WORKER,
            BlockerKind.HANDLER_UNKNOWN,
        ]


class TestWorkers:
    def test_without_a_living_worker_nothing_runs(self):
        a_worker(state="stopped")
        a_worker(lease_expires_at=Now() - HOUR)

        assert only(make_job()) == Blocker(kind=BlockerKind.NO_WORKER, told="no worker is alive")

    def test_workers_that_serve_other_queues_or_are_stopping_do_not_help(self):
        a_worker(queues=["reports"])
        a_worker(stop_requested_at=Now())

        blocker = only(make_job(queue="mail"))

        assert blocker.kind is BlockerKind.NO_WORKER
        assert blocker.told.startswith("no living worker serves queue 'mail'; 2 serve others")

    def test_a_handler_that_none_of_those_who_serve_its_queue_knows_is_named(self):
        a_worker(queues=["mail"], handlers=["tests.other"])
        a_worker(queues=["reports"])

        blocker = only(make_job(queue="mail", handler="tests.handler"))

        assert blocker.kind is BlockerKind.HANDLER_UNKNOWN
        assert "none of 1 living workers that serve its queue" in blocker.told
        assert "'tests.handler'" in blocker.told

    def test_the_job_of_a_queue_handler_is_known_by_the_name_of_its_queue(self):
        a_worker(handlers=["queue:mail"])

        assert why(make_job(queue="mail", handler="").pk).blockers == ()
        assert only(make_job(queue="reports", handler="")).kind is BlockerKind.HANDLER_UNKNOWN
