"""One look tells what there is to do for the duties of a host."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from django.db import connection

from django_jobqueue.core.batches import NewBatch
from django_jobqueue.core.due import Due
from django_jobqueue.core.specs import NewJob
from django_jobqueue.core.states import JobState, WorkerState
from django_jobqueue.models import Job, Schedule, WorkerRecord
from django_jobqueue.store import store_for
from tests.store.helpers import LONG_AGO, claim, make_job, register_worker
from tests.store.schedules import a_schedule

pytestmark = pytest.mark.django_db

NOTHING = Due()


def due(**options: Any) -> Due:
    """What a look finds; where the next may begin is told apart."""
    return msgspec.structs.replace(store_for("default").due(**options), up_to=None)


def up_to(**options: Any) -> datetime | None:
    return store_for("default").due(**options).up_to


def in_seconds(seconds: float) -> datetime:
    return store_for("default").database_now() + timedelta(seconds=seconds)


def test_there_is_nothing_to_do_for_an_empty_site() -> None:
    assert due() == NOTHING


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.DEAD], ids=str)
def test_what_has_ended_is_nothing_to_do(state: JobState) -> None:
    make_job(state)

    assert due() == NOTHING


def test_a_ready_job_is_for_the_pumps_and_a_suspect_for_the_quarantine() -> None:
    job = make_job()
    assert due() == Due(has_ready=True)

    Job.objects.filter(pk=job.pk).update(rescues=1)

    assert due() == Due(has_suspects=True)


class TestScheduledJobs:
    def test_it_tells_when_the_first_is_due(self) -> None:
        now = datetime(2030, 1, 1, tzinfo=UTC)
        for seconds in (7, 3):
            make_job(JobState.SCHEDULED, run_at=now + timedelta(seconds=seconds))

        assert due(now=now).scheduled_seconds == pytest.approx(3, abs=0.01)

    def test_one_that_is_late_is_due_now(self) -> None:
        make_job(JobState.SCHEDULED, run_at=LONG_AGO)

        assert due() == Due(scheduled_seconds=0.0)

    @pytest.mark.postgresql
    @pytest.mark.parametrize(
        ("moment", "seconds"), [("-infinity", 0.0), ("infinity", None)], ids=str
    )
    def test_always_is_late_and_never_is_no_time(self, moment: str, seconds: float | None) -> None:
        job = make_job(JobState.SCHEDULED)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE jobqueue_job SET run_at = %s::timestamptz WHERE id = %s", [moment, job.pk]
            )

        assert due() == Due(scheduled_seconds=seconds)


class TestSlots:
    def test_it_tells_when_the_first_of_an_active_schedule_is_due(self) -> None:
        now = datetime(2030, 1, 1, tzinfo=UTC)
        for name, seconds in (("off", 1), ("late", 9), ("soon", 4)):
            store_for("default").save_schedule(a_schedule(name))
            slot = now + timedelta(seconds=seconds)
            Schedule.objects.filter(name=name).update(
                next_slot=slot, disabled_at=now if name == "off" else None
            )

        assert due(now=now).slot_seconds == pytest.approx(4, abs=0.01)

    def test_an_occurrence_that_has_ended_is_to_be_followed_at_once(self) -> None:
        store_for("default").save_schedule(a_schedule("chased"))
        job = make_job(JobState.RUNNING, worker_id=register_worker())
        Schedule.objects.update(after="finish", next_slot=None, last_job_id=job.pk)
        assert due() == NOTHING

        Job.objects.all().delete()

        assert due() == Due(slot_seconds=0.0)


class TestWaiting:
    def test_a_job_that_a_limit_blocks_waits(self) -> None:
        make_job(JobState.BLOCKED, blocked_by="key:k")

        assert due() == Due(has_waiting=True)

    def test_a_job_that_waits_for_another_waits(self) -> None:
        store_for("default").insert_chain([NewJob(handler="tests.handler") for _ in range(2)])

        assert due() == Due(has_ready=True, has_waiting=True)

    def test_a_batch_waits_for_its_members(self) -> None:
        later = NewJob(handler="tests.handler", delay=3600)
        store_for("default").insert_batch(NewBatch(), [[later]])

        assert due().has_waiting


class TestLost:
    def test_what_a_living_worker_runs_is_not_lost(self) -> None:
        make_job()
        claim(store_for("default"), register_worker())

        assert due() == NOTHING

    def test_a_worker_whose_lease_ran_out_has_died(self) -> None:
        register_worker(lease=timedelta(seconds=-1))

        assert due() == Due(has_lost=True)

    def test_one_that_has_stopped_has_not(self) -> None:
        register_worker(lease=timedelta(seconds=-1))
        WorkerRecord.objects.update(state=WorkerState.STOPPED)

        assert due() == NOTHING

    @pytest.mark.parametrize("has_row", [True, False], ids=["stopped", "unknown"])
    def test_a_job_that_runs_without_a_living_worker_is_lost(self, has_row: bool) -> None:
        mine, other = register_worker(), uuid4()
        if has_row:
            register_worker(worker_id=other)
            WorkerRecord.objects.filter(pk=other).update(state=WorkerState.STOPPED)
        make_job(JobState.RUNNING, worker_id=mine)
        assert due() == NOTHING

        make_job(JobState.RUNNING, worker_id=other)

        assert due() == Due(has_lost=True)

    def test_a_job_that_runs_past_its_deadline_is_lost(self) -> None:
        job = make_job(JobState.RUNNING, worker_id=register_worker(), deadline_at=in_seconds(60))
        assert due() == NOTHING

        Job.objects.filter(pk=job.pk).update(deadline_at=in_seconds(-1))

        assert due() == Due(has_lost=True)


@pytest.mark.postgresql
class TestFromWhereTheLastLookEnded:
    NOW = datetime(2030, 1, 1, tzinfo=UTC)

    def test_that_is_the_time_of_the_look_where_what_is_due_comes_later(self) -> None:
        make_job(JobState.SCHEDULED, run_at=self.NOW + timedelta(seconds=3))
        save_slot(self.NOW + timedelta(seconds=2))

        assert up_to(now=self.NOW) == self.NOW

    def test_what_is_late_is_found_again_until_it_is_gone(self) -> None:
        soon, late = self.NOW + timedelta(seconds=3), self.NOW - timedelta(seconds=3)
        run_at, slot, deadline = (late - timedelta(seconds=n) for n in range(3))
        mine = register_worker()
        job = make_job(JobState.RUNNING, worker_id=mine, deadline_at=deadline)
        waiting = make_job(JobState.SCHEDULED, run_at=run_at)
        save_slot(slot)

        for expected, end in (
            (deadline, lambda: Job.objects.filter(pk=job.pk).delete()),
            (slot, lambda: Schedule.objects.update(next_slot=soon)),
            (run_at, lambda: Job.objects.filter(pk=waiting.pk).delete()),
            (self.NOW, lambda: None),
        ):
            assert up_to(now=self.NOW) == up_to(since=expected, now=self.NOW) == expected
            end()

    @pytest.mark.parametrize("kind", ["scheduled", "slot", "deadline"])
    def test_what_was_due_before_is_passed_over_and_what_is_due_since_is_not(
        self, kind: str
    ) -> None:
        moment = self.NOW - timedelta(seconds=3)
        expected = {
            "scheduled": Due(scheduled_seconds=0.0),
            "slot": Due(slot_seconds=0.0),
            "deadline": Due(has_lost=True),
        }[kind]
        if kind == "scheduled":
            make_job(JobState.SCHEDULED, run_at=moment)
        elif kind == "slot":
            save_slot(moment)
        else:
            worker = register_worker(lease=timedelta(days=36_500))
            make_job(JobState.RUNNING, worker_id=worker, deadline_at=moment)

        assert due(since=moment + timedelta(seconds=1), now=self.NOW) == NOTHING
        assert due(since=moment, now=self.NOW) == expected

    def test_what_bears_no_such_time_is_left_to_a_look_at_everything(self) -> None:
        make_job()
        make_job(rescues=1)
        make_job(JobState.BLOCKED, blocked_by="key:k")
        assert due() == Due(has_ready=True, has_suspects=True, has_waiting=True)

        assert due(since=LONG_AGO) == NOTHING

    @pytest.mark.parametrize("has_row", [True, False], ids=["stopped", "unknown"])
    def test_jobs_without_a_living_worker_are_lost_wherever_its_id_lies(
        self, has_row: bool
    ) -> None:
        for living in (2**64, 2**96):
            make_job(JobState.RUNNING, worker_id=register_worker(worker_id=UUID(int=living)))
        assert due(since=LONG_AGO) == NOTHING

        for gone in (1, 2**80, 2**120):
            if has_row:
                register_worker(worker_id=UUID(int=gone))
                WorkerRecord.objects.filter(pk=UUID(int=gone)).update(state=WorkerState.STOPPED)
            job = make_job(JobState.RUNNING, worker_id=UUID(int=gone))
            assert due(since=LONG_AGO) == Due(has_lost=True), gone
            Job.objects.filter(pk=job.pk).delete()

    def test_a_lapsed_lease_is_found_whenever_that_was(self) -> None:
        register_worker(lease=timedelta(hours=-1))

        assert due(since=store_for("default").database_now()) == Due(has_lost=True)

    def test_what_is_due_before_all_years_that_python_tells_has_the_next_look_begin_anew(
        self,
    ) -> None:
        job = make_job(JobState.SCHEDULED)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE jobqueue_job SET run_at = '-infinity' WHERE id = %s", [job.pk])

        assert up_to() is None


def save_slot(moment: datetime) -> None:
    store_for("default").save_schedule(a_schedule("slot"))
    Schedule.objects.filter(name="slot").update(next_slot=moment)
