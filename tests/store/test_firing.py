"""What every store must do when schedules are due, in sentences."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_jobqueue.core.cron import every
from django_jobqueue.core.firing import MISSED, OVER_CAP
from django_jobqueue.core.schedules import Fired, Missed, Overlap, Source
from django_jobqueue.core.specs import NewJob
from django_jobqueue.core.states import JobState
from django_jobqueue.models import Job, Schedule, ScheduleSlot
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore
from django_jobqueue.store.firing import NO_FURTHER_SLOT
from django_jobqueue.store.schedules import NOT_DECLARED

from .schedules import MINUTE, NOON, a_schedule, end, fire, minutes_of, save, slots_of_jobs, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


class TestDeclarations:
    def test_they_begin_by_the_clock_of_the_database_and_end_with_their_slot(
        self, store: JobStore
    ) -> None:
        declared = store.declare_schedules([a_schedule(source=Source.CODE)])
        first = store.find_schedule("nightly").next_slot
        ended = store.declare_schedules([])

        assert (declared.added, ended.disabled) == (("nightly",), (("nightly", NOT_DECLARED),))
        assert first is not None
        assert abs(first - store.database_now()) < 6 * MINUTE
        assert store.find_schedule("nightly").next_slot is None


class TestFiring:
    def test_nothing_happens_before_the_slot(self, store: JobStore) -> None:
        save(store)
        fired = fire(store, minutes=-0.5)

        assert fired == Fired(next_slot_seconds=30.0)
        assert not Job.objects.exists()

    def test_a_slot_gives_one_job_that_says_where_it_came_from(self, store: JobStore) -> None:
        job = NewJob(
            handler="shop.clean",
            queue="cleaning",
            priority=7,
            payload='{"args":[],"kwargs":{"deep":true}}',
            max_attempts=5,
            timeout_seconds=30.0,
            tags='["tidy"]',
            fingerprint="f",
        )
        save(store, job=job)

        [slot] = fire(store, minutes=0.1).slots

        found = store.find(slot.job_id or 0)
        assert found is not None
        assert (found.handler, found.queue, found.priority) == ("shop.clean", "cleaning", 7)
        assert found.payload == {"args": [], "kwargs": {"deep": True}}
        assert (found.max_attempts, found.tags, found.fingerprint) == (5, ["tidy"], "f")
        assert (found.schedule, found.slot, found.run_at) == ("nightly", NOON, NOON + 0.1 * MINUTE)
        assert found.state is JobState.READY
        assert (slot.schedule, slot.slot, slot.queue) == ("nightly", NOON, "cleaning")
        assert (slot.handler, slot.reason) == ("shop.clean", "")
        assert [kept.job_id for kept in store.slots_of("nightly")] == [slot.job_id]

    def test_what_one_job_has_of_its_own_is_not_kept(self, store: JobStore) -> None:
        save(store, job=NewJob(handler="shop.clean", queue="cleaning", run_at=NOON, slot=NOON))

        assert Schedule.objects.get().options == {"queue": "cleaning"}

    def test_a_slot_is_done_once_however_often_one_looks(self, store: JobStore) -> None:
        save(store)
        for _ in range(3):
            fired = fire(store, minutes=0.1)

        assert fired == Fired(next_slot_seconds=pytest.approx(4.9 * 60))
        assert slots_of_jobs() == [0]

    def test_nor_does_a_clock_that_goes_back_bring_one_again(self, store: JobStore) -> None:
        save(store)
        fire(store, minutes=6)
        Schedule.objects.update(next_slot=NOON)

        fire(store, minutes=6)

        assert slots_of_jobs() == [5]
        assert minutes_of(Schedule.objects.values_list("next_slot", flat=True)) == [10]

    def test_what_follows_has_its_turn_at_its_time(self, store: JobStore) -> None:
        save(store)
        for minutes in range(-1, 17):
            fire(store, minutes=minutes)

        assert slots_of_jobs() == [0, 5, 10, 15]
        assert told(store) == [(0, ""), (5, ""), (10, ""), (15, "")]

    def test_a_full_batch_says_that_more_may_be_due(self, store: JobStore) -> None:
        for name in "abc":
            save(store, name)

        assert fire(store, minutes=0, limit=2).next_slot_seconds == 0.0
        assert fire(store, minutes=0, limit=2).next_slot_seconds == 300.0
        assert slots_of_jobs() == [0, 0, 0]

    def test_at_the_end_of_time_it_is_disabled(self, store: JobStore) -> None:
        end_of_time = datetime(9999, 12, 31, 23, tzinfo=UTC)
        save(store, rule=every(timedelta(days=1)))
        Schedule.objects.update(next_slot=end_of_time)

        fired = store.fire_schedules(missed_after=MINUTE, now=end_of_time + MINUTE)

        assert [one.slot for one in fired.slots] == [end_of_time]
        assert fired.disabled == (("nightly", NO_FURTHER_SLOT),)
        assert store.find_schedule("nightly").disabled_reason == NO_FURTHER_SLOT

    def test_slots_are_the_same_on_a_site_that_uses_naive_times(
        self, store: JobStore, settings: Any
    ) -> None:
        settings.USE_TZ, settings.TIME_ZONE = False, "Asia/Kolkata"
        save(store)
        [slot] = fire(store, minutes=1).slots

        assert slot.slot == NOON
        assert told(store) == [(0, "")]
        found = store.find_schedule("nightly")
        assert (found.last_slot, found.next_slot) == (NOON, NOON + 5 * MINUTE)
        assert fire(store, minutes=2) == Fired(next_slot_seconds=180.0)

    def test_the_last_ten_slots_are_kept(self, store: JobStore) -> None:
        save(store)
        for minutes in range(0, 75, 5):
            fire(store, minutes=minutes)

        assert minutes_of(one.slot for one in store.slots_of("nightly")) == [*range(70, 20, -5)]
        assert ScheduleSlot.objects.count() == 10

    def test_the_database_tells_the_time(self, store: JobStore) -> None:
        store.save_schedule(a_schedule(rule=every(3600)))
        assert store.fire_schedules(missed_after=MINUTE).slots == ()

        Schedule.objects.update(next_slot=store.database_now() - timedelta(seconds=1))
        assert len(store.fire_schedules(missed_after=MINUTE).slots) == 1

    def test_the_jitter_delays_the_job_and_not_the_slot(self, store: JobStore) -> None:
        save(store, jitter=timedelta(minutes=4))
        for minutes in (0, 5, 10):
            fire(store, minutes=minutes)

        waits = [job.run_at - job.slot for job in Job.objects.all()]
        assert slots_of_jobs() == [0, 5, 10]
        assert all(timedelta(0) <= wait <= 4 * MINUTE for wait in waits)
        assert len(set(waits)) == 3

    def test_a_delay_counts_from_the_slot(self, store: JobStore) -> None:
        save(store, job=NewJob(handler="shop.clean", delay=90.0))
        fire(store, minutes=0.5)

        job = Job.objects.get()
        assert (job.run_at, job.state) == (NOON + 1.5 * MINUTE, "scheduled")


class TestFiveSlotsWithoutAScheduler:
    """Down from noon until 22 minutes past."""

    @pytest.mark.parametrize(
        ("terms", "jobs", "reasons"),
        [
            ({"missed": Missed.SKIP}, [], [MISSED] * 5),
            ({"missed": Missed.ONCE}, [20], [*[MISSED] * 4, ""]),
            ({"missed": Missed.ALL}, [0, 5, 10, 15, 20], [""] * 5),
            ({"missed": Missed.ALL, "missed_cap": 2}, [15, 20], [*[OVER_CAP] * 3, "", ""]),
        ],
    )
    def test_the_policy_says_which_jobs_there_are(
        self, store: JobStore, terms: dict, jobs: list[float], reasons: list[str]
    ) -> None:
        save(store, **terms)

        fire(store, minutes=22)
        fire(store, minutes=23)

        assert slots_of_jobs() == jobs
        assert told(store) == list(zip([0, 5, 10, 15, 20], reasons, strict=True))
        assert fire(store, minutes=25).slots[0].slot == NOON + 25 * MINUTE

    def test_all_with_overlap_skip_gives_the_first(self, store: JobStore) -> None:
        save(store, missed=Missed.ALL, overlap=Overlap.SKIP)
        fire(store, minutes=22)

        assert slots_of_jobs() == [0]


class TestOverlap:
    def test_allow_gives_every_slot_its_job(self, store: JobStore) -> None:
        save(store, overlap=Overlap.ALLOW)
        fire(store, minutes=0)
        fire(store, minutes=5)

        assert slots_of_jobs() == [0, 5]

    def test_skip_leaves_out_slots_while_a_job_lives_and_says_which(self, store: JobStore) -> None:
        save(store, overlap=Overlap.SKIP)
        fire(store, minutes=0)
        first = Job.objects.get()

        fire(store, minutes=5)
        end(store, JobState.SUCCEEDED)
        fire(store, minutes=10)

        assert slots_of_jobs() == [10]
        assert told(store) == [(0, ""), (5, f"job {first.pk} has not ended"), (10, "")]

    def test_jobs_of_others_are_none_of_its_business(self, store: JobStore) -> None:
        save(store, "other")
        save(store, overlap=Overlap.SKIP)
        fire(store, minutes=0)
        Job.objects.filter(schedule="nightly").delete()

        fire(store, minutes=5)

        assert Job.objects.filter(schedule="nightly").count() == 1

    def test_a_unique_key_that_is_taken_is_told(self, store: JobStore) -> None:
        for policy in ("skip", "raise"):
            job = NewJob(handler="shop.clean", unique_key="key", on_conflict=policy)
            save(store, policy, job=job)
        holder = store.insert(NewJob(handler="shop.clean", unique_key="key")).id

        fire(store, minutes=0)

        expected = [(0, f"job {holder} holds the unique key")]
        assert (told(store, "skip"), told(store, "raise")) == (expected, expected)
        assert Job.objects.count() == 1

    def test_a_job_that_replaces_the_holder_of_its_key_is_that_of_the_slot(
        self, store: JobStore
    ) -> None:
        holder = store.insert(NewJob(handler="shop.clean", unique_key="key")).id
        save(store, job=NewJob(handler="shop.clean", unique_key="key", on_conflict="replace"))

        [slot] = fire(store, minutes=0).slots

        assert (slot.job_id, slot.reason) == (holder, "")

    def test_what_is_kept_of_one_schedule_pushes_out_nothing_of_another(
        self, store: JobStore
    ) -> None:
        for name in ("a", "b"):
            save(store, name, missed=Missed.ALL)
        fire(store, minutes=60)

        assert (len(told(store, "a")), len(told(store, "b"))) == (10, 10)
