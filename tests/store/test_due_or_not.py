"""What one look takes for something to do, and by which clock: times, states and neighbours."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from django_jobqueue.core.batches import NewBatch
from django_jobqueue.core.due import Due
from django_jobqueue.core.specs import NewJob
from django_jobqueue.core.states import JobState, WorkerState
from django_jobqueue.models import Schedule, WorkerRecord
from django_jobqueue.store import store_for

from .helpers import LONG_AGO, make_job, register_worker, without_indexes
from .schedules import a_schedule
from .test_due import NOTHING, due, in_seconds, up_to

pytestmark = pytest.mark.django_db

Look = Callable[..., Due]
NOON = datetime(2030, 1, 1, 12, 0, 0, 123_456, tzinfo=UTC)


@pytest.fixture(params=[None, datetime(1000, 1, 1, tzinfo=UTC)], ids=["anew", "since"])
def look(request: pytest.FixtureRequest) -> Look:
    """At everything, or from where one of long ago ended."""
    return partial(due, since=request.param)


def test_a_suspect_that_is_not_ready_is_for_nobody() -> None:
    make_job(JobState.SCHEDULED, rescues=1, run_at=in_seconds(60))

    assert not due().has_suspects


def test_several_of_each_are_as_good_as_one(look: Look) -> None:
    store = store_for("default")
    for number in range(2):
        make_job()
        make_job(rescues=1)
        make_job(JobState.BLOCKED, blocked_by="key:k")
        make_job(JobState.SCHEDULED, run_at=LONG_AGO)
        make_job(JobState.RUNNING, worker_id=register_worker(), deadline_at=LONG_AGO)
        make_job(JobState.RUNNING, worker_id=uuid4())
        register_worker(lease=timedelta(seconds=-1))
        store.insert_batch(NewBatch(), [[NewJob(handler="h", delay=3600)]])
        store.save_schedule(a_schedule(f"late_{number}"))
        Schedule.objects.update(next_slot=LONG_AGO)

    found = look()
    assert (found.scheduled_seconds, found.slot_seconds, found.has_lost) == (0.0, 0.0, True)
    found = due()
    assert (found.has_ready, found.has_suspects, found.has_waiting) == (True, True, True)


@pytest.mark.postgresql
@pytest.mark.parametrize("kind", ["scheduled", "slot", "deadline"])
@pytest.mark.parametrize("since", [None, LONG_AGO], ids=["anew", "since"])
def test_of_several_that_are_late_the_earliest_is_found_again(
    kind: str, since: datetime | None
) -> None:
    without_indexes()
    worker = register_worker()
    for days in (1, 3, 2):
        moment = NOON - timedelta(days=days)
        if kind == "scheduled":
            make_job(JobState.SCHEDULED, run_at=moment)
        elif kind == "slot":
            store_for("default").save_schedule(a_schedule(str(days)))
            Schedule.objects.filter(name=str(days)).update(next_slot=moment)
        else:
            make_job(JobState.RUNNING, worker_id=worker, deadline_at=moment)

    assert up_to(since=since, now=NOON) == NOON - timedelta(days=3)


class TestScheduledJobs:
    @pytest.mark.parametrize("state", [JobState.READY, JobState.BLOCKED])
    def test_one_that_is_scheduled_no_more_is_not_due(self, look: Look, state: JobState) -> None:
        make_job(state, run_at=LONG_AGO)

        assert look().scheduled_seconds is None

    def test_that_is_by_the_clock_of_the_database(self, look: Look) -> None:
        make_job(JobState.SCHEDULED, run_at=in_seconds(3600))

        assert look().scheduled_seconds == pytest.approx(3600, abs=60)

    def test_one_that_was_due_is_not_yet_before_its_time(self, look: Look) -> None:
        make_job(JobState.SCHEDULED, run_at=LONG_AGO)

        seconds = look(now=LONG_AGO - timedelta(seconds=3)).scheduled_seconds
        assert seconds == pytest.approx(3, abs=0.01)

    def test_one_without_a_time_hides_no_other(self, look: Look) -> None:
        for run_at in (None, NOON):
            make_job(JobState.SCHEDULED, run_at=run_at)

        assert look(now=NOON - timedelta(seconds=3)).scheduled_seconds == pytest.approx(3, abs=0.01)

    @pytest.mark.sqlite
    @pytest.mark.parametrize(
        ("text", "options", "seconds"),
        [
            ("", {}, 0.0),
            ("2031, perhaps", {"now": NOON + timedelta(days=730)}, 0.0),
            ("x", {}, None),
        ],
    )
    def test_a_text_that_is_no_time_is_late_if_it_comes_before_that_of_now(
        self, look: Look, text: str, options: dict[str, Any], seconds: float | None
    ) -> None:
        make_job(JobState.SCHEDULED)
        store_for("default").save_schedule(a_schedule("odd"))
        with connection.cursor() as cursor:
            cursor.execute("UPDATE jobqueue_job SET run_at = %s", [text])
            cursor.execute("UPDATE jobqueue_schedule SET next_slot = %s", [text])

        assert look(**options) == Due(scheduled_seconds=seconds, slot_seconds=seconds)


class TestSlots:
    def test_that_of_a_schedule_that_is_disabled_does_not_come(self, look: Look) -> None:
        store_for("default").save_schedule(a_schedule())
        Schedule.objects.update(next_slot=LONG_AGO, disabled_at=LONG_AGO)

        assert look() == NOTHING

    def test_that_is_by_the_clock_of_the_database(self, look: Look) -> None:
        store_for("default").save_schedule(a_schedule())
        Schedule.objects.update(next_slot=in_seconds(3600))

        assert look().slot_seconds == pytest.approx(3600, abs=60)

    def test_one_that_is_late_is_due_now(self, look: Look) -> None:
        store_for("default").save_schedule(a_schedule())
        Schedule.objects.update(next_slot=LONG_AGO)

        assert look() == Due(slot_seconds=0.0)

    @pytest.mark.postgresql
    @pytest.mark.parametrize(
        ("moment", "seconds"), [("-infinity", 0.0), ("infinity", None)], ids=str
    )
    def test_always_is_late_and_never_is_no_time(self, moment: str, seconds: float | None) -> None:
        store_for("default").save_schedule(a_schedule())
        with connection.cursor() as cursor:
            cursor.execute("UPDATE jobqueue_schedule SET next_slot = %s::timestamptz", [moment])

        assert due() == Due(slot_seconds=seconds)

    @pytest.mark.postgresql
    def test_never_is_no_time_since_a_look_either(self, look: Look) -> None:
        make_job(JobState.SCHEDULED)
        store_for("default").save_schedule(a_schedule())
        with connection.cursor() as cursor:
            cursor.execute("UPDATE jobqueue_job SET run_at = 'infinity'")
            cursor.execute("UPDATE jobqueue_schedule SET next_slot = 'infinity'")

        assert look() == NOTHING

    def test_one_that_was_due_is_not_yet_before_its_time(self, look: Look) -> None:
        store_for("default").save_schedule(a_schedule())
        Schedule.objects.update(next_slot=LONG_AGO)

        seconds = look(now=LONG_AGO - timedelta(seconds=4)).slot_seconds
        assert seconds == pytest.approx(4, abs=0.01)

    def test_one_without_a_slot_hides_no_other(self, look: Look) -> None:
        for name, slot in (("ended", None), ("soon", NOON)):
            store_for("default").save_schedule(a_schedule(name))
            Schedule.objects.filter(name=name).update(next_slot=slot)

        assert look(now=NOON - timedelta(seconds=4)).slot_seconds == pytest.approx(4, abs=0.01)

    @pytest.mark.parametrize(
        "facts",
        [
            {"disabled_at": LONG_AGO},
            {"after": "start"},
            {"next_slot": datetime(9000, 1, 1, tzinfo=UTC)},
            {"last_job_id": None},
        ],
        ids=["it is disabled", "its span has begun", "its slot is known", "it has had none"],
    )
    def test_of_a_schedule_that_waits_for_no_end_no_end_is_followed(
        self, look: Look, facts: dict[str, Any]
    ) -> None:
        store_for("default").save_schedule(a_schedule("chased"))
        waiting = {"after": "finish", "next_slot": None, "last_job_id": 2**40}
        Schedule.objects.update(**{**waiting, **facts})

        assert look().slot_seconds != 0.0

    def test_what_has_not_ended_is_not_followed(self, look: Look) -> None:
        store_for("default").save_schedule(a_schedule("chased"))
        job = make_job(JobState.RUNNING, worker_id=register_worker())
        Schedule.objects.update(after="finish", next_slot=None, last_job_id=job.pk)

        assert look() == NOTHING

    def test_an_end_is_followed_whoever_else_lives(self, look: Look) -> None:
        store_for("default").save_schedule(a_schedule("chased"))
        Schedule.objects.update(after="finish", next_slot=None, last_job_id=2**40)
        make_job()

        assert look().slot_seconds == 0.0


def test_several_batches_that_wait_are_as_good_as_one() -> None:
    for _ in range(2):
        store_for("default").insert_batch(NewBatch(), [[NewJob(handler="h", delay=3600)]])

    assert due().has_waiting


def test_a_batch_that_has_ended_waits_no_more() -> None:
    store_for("default").insert_batch(NewBatch(), [])

    assert due() == NOTHING


class TestLost:
    def test_a_job_that_does_not_run_has_no_deadline_and_no_worker(self, look: Look) -> None:
        make_job(deadline_at=LONG_AGO, worker_id=uuid4())

        assert not look().has_lost

    def test_a_deadline_has_passed_by_the_clock_of_the_database(self, look: Look) -> None:
        make_job(JobState.RUNNING, worker_id=register_worker(), deadline_at=in_seconds(-60))

        assert look() == Due(has_lost=True)

    def test_nor_has_it_a_worker_beside_one_that_runs(self, look: Look) -> None:
        for living, idle in ((2, 1), (4, 3), (6, 7)):
            make_job(JobState.RUNNING, worker_id=register_worker(worker_id=UUID(int=living)))
            make_job(worker_id=UUID(int=idle))

        assert not look().has_lost

    @pytest.mark.parametrize("gone", [(1, 2), (4, 5), (7, 8)])
    def test_several_that_are_gone_are_as_good_as_one(
        self, look: Look, gone: tuple[int, int]
    ) -> None:
        for living in (3, 6):
            register_worker(worker_id=UUID(int=living))
        for worker in gone:
            make_job(JobState.RUNNING, worker_id=UUID(int=worker))

        assert look() == Due(has_lost=True)

    def test_a_worker_that_has_stopped_has_no_lease_to_lose(self, look: Look) -> None:
        register_worker(lease=timedelta(seconds=-1))
        WorkerRecord.objects.update(state=WorkerState.STOPPED)

        assert look() == NOTHING

    def test_a_lease_and_a_deadline_hold_at_their_last_moment(self, look: Look) -> None:
        worker = register_worker()
        WorkerRecord.objects.update(lease_expires_at=NOON)
        make_job(JobState.RUNNING, worker_id=worker, deadline_at=NOON)
        assert look(now=NOON) == NOTHING

        assert look(now=NOON + timedelta(seconds=1)) == Due(has_lost=True)

    @pytest.mark.parametrize("late", ["lease", "deadline"])
    def test_each_ends_by_the_time_that_is_told(self, look: Look, late: str) -> None:
        worker = register_worker()
        later = NOON + timedelta(days=1)
        WorkerRecord.objects.update(lease_expires_at=NOON if late == "lease" else later)
        deadline = NOON if late == "deadline" else later
        make_job(JobState.RUNNING, worker_id=worker, deadline_at=deadline)

        assert look(now=NOON - timedelta(hours=1)) == NOTHING
        assert look(now=NOON + timedelta(hours=1)) == Due(has_lost=True)

    @pytest.mark.parametrize("place", range(3))
    def test_none_of_several_workers_is_passed_over(self, look: Look, place: int) -> None:
        without_indexes()
        for number in (2, 1, 0):
            worker = UUID(int=number + 1)
            if number != place:
                register_worker(worker_id=worker)
            make_job(JobState.RUNNING, worker_id=worker)

        assert look() == Due(has_lost=True)
