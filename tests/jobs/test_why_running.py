"""Why a job is not running that does run, or has ended."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from django_jobqueue import JobNotFound, why
from django_jobqueue.core.states import JobState
from django_jobqueue.core.why import Blocker, BlockerKind
from tests.store.helpers import BIG_ID, LONG_AGO, make_job, unused_id

from .explained import LATER, a_worker, blockers, only, running

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker() -> UUID:
    return a_worker()


class TestRunning:
    def test_it_says_where_since_when_and_until_when_it_may(self, worker: UUID):
        row = running(worker_id=worker, claimed_at=LONG_AGO, attempt=2, deadline_at=LATER)

        assert only(row) == Blocker(
            kind=BlockerKind.RUNNING,
            told=(
                f"it runs since 2020-01-01 00:00:00 UTC on worker host:4711 ({worker}), attempt 2 "
                "of 3, taken from it after 2100-01-01 12:00:00 UTC"
            ),
        )

    def test_without_a_timeout_it_has_no_deadline(self, worker: UUID):
        assert only(running(worker_id=worker)).told.endswith("attempt 1 of 3, no deadline")

    def test_a_request_to_stop_is_told(self, worker: UUID):
        row = running(worker_id=worker, cancel_requested_at=LONG_AGO)

        assert list(blockers(row)) == [BlockerKind.RUNNING, BlockerKind.ASKED_TO_STOP]
        assert "at 2020-01-01" in blockers(row)[BlockerKind.ASKED_TO_STOP].told

    def test_the_job_of_a_worker_whose_lease_ran_out_is_taken_back_by_another(self, worker: UUID):
        lapsed = a_worker(lease_expires_at=LONG_AGO, heartbeat_at=LONG_AGO)
        row = running(worker_id=lapsed)

        told = blockers(row)[BlockerKind.WORKER_GONE].told

        assert told.startswith("its worker was last heard of at 2020-01-01 00:00:00 UTC")
        assert told.endswith(": a living worker will take the job back")

    def test_the_job_of_a_dead_worker_waits_for_a_living_one(self):
        row = running(worker_id=a_worker(state="dead"))

        assert (
            blockers(row)[BlockerKind.WORKER_GONE].told == "its worker is dead: no worker is alive"
        )

    def test_a_worker_without_a_row_is_told(self):
        row = running(worker_id=uuid4())

        assert "has no row any more" in blockers(row)[BlockerKind.WORKER_GONE].told


class TestEnded:
    @pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.CANCELLED])
    def test_an_archived_job_says_how_and_when_it_ended(self, state: JobState):
        blocker = only(make_job(state, finished_at=LONG_AGO))

        assert blocker.kind == state.value
        told = f"it has ended: {state} at 2020-01-01 00:00:00 UTC, attempt 1 of 3"
        assert blocker.told == told

    def test_a_dead_letter_says_why_and_what_to_do(self):
        error = {"type": "ValueError", "message": "no such address"}
        columns = {"reason": "discarded", "error": error, "finished_at": LONG_AGO}

        blocker = only(make_job(JobState.DEAD, **columns))

        assert (blocker.kind, blocker.error) == (BlockerKind.DEAD, "ValueError: no such address")
        assert blocker.told.startswith("it is a dead letter: discarded at 2020-01-01")
        assert blocker.told.endswith("requeue it to run it again")

    def test_a_job_of_which_there_is_no_trace_is_not_found(self):
        for missing in (unused_id(), BIG_ID, 0):
            with pytest.raises(JobNotFound, match=f"job {missing} is in no table"):
                why(missing)

    def test_an_id_that_no_database_holds_is_not_found(self):
        with pytest.raises(JobNotFound):
            why(2**70)


def test_it_is_the_same_on_a_site_that_uses_naive_times(settings: Any):
    settings.USE_TZ, settings.TIME_ZONE = False, "Asia/Kolkata"
    worker = a_worker()
    row = running(worker_id=worker)
    waiting = make_job()

    assert only(row).kind is BlockerKind.RUNNING
    assert why(waiting.pk).blockers == ()
