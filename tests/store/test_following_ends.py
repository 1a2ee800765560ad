"""Schedules whose span begins when the occurrence before has ended."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from django_jobqueue.core.cron import every
from django_jobqueue.core.schedules import Fired
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.models import ArchivedJob, DeadJob, Schedule
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import make_job
from .schedules import MINUTE, NOON, end, fire, save

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


class TestAfterTheFinish:
    @pytest.fixture(autouse=True)
    def waiting(self, store: JobStore) -> None:
        make_job(JobState.SUCCEEDED, finished_at=NOON)  # of somebody else
        save(store, rule=every(timedelta(minutes=5), after="finish"))
        assert fire(store, minutes=3).slots == ()
        assert len(fire(store, minutes=4).slots) == 1

    def test_no_slot_comes_while_the_job_lives(self, store: JobStore) -> None:
        assert fire(store, minutes=60) == Fired()
        assert store.find_schedule("nightly").next_slot is None

    @pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.CANCELLED, JobState.DEAD])
    def test_the_span_begins_at_its_end_however_it_ended(
        self, store: JobStore, state: JobState
    ) -> None:
        end(store, state, **({"reason": DeathReason.EXHAUSTED} if state is JobState.DEAD else {}))
        finals: Any = (ArchivedJob, DeadJob)
        for final in finals:
            final.objects.filter(schedule="nightly").update(finished_at=NOON + 17 * MINUTE)

        assert fire(store, minutes=21).next_slot_seconds == 60.0
        [slot] = fire(store, minutes=22).slots
        assert slot.slot == NOON + 22 * MINUTE

    def test_saving_it_again_brings_no_slot_either(self, store: JobStore) -> None:
        save(store, rule=every(timedelta(minutes=5), after="finish"))

        assert store.find_schedule("nightly").next_slot is None

    def test_a_schedule_that_was_disabled_meanwhile_stays_so(self, store: JobStore) -> None:
        Schedule.objects.update(disabled_at=Now(), disabled_reason="no longer declared")
        end(store, JobState.SUCCEEDED)

        assert fire(store, minutes=60) == Fired()
        assert store.find_schedule("nightly").next_slot is None

    def test_where_no_record_was_kept_it_begins_when_that_is_seen(self, store: JobStore) -> None:
        end(store, JobState.SUCCEEDED, keep=False)

        assert fire(store, minutes=30).next_slot_seconds == 300.0
        assert fire(store, minutes=31).next_slot_seconds == 240.0

    def test_that_is_by_the_clock_of_the_database(self, store: JobStore) -> None:
        end(store, JobState.SUCCEEDED, keep=False)

        wait = store.fire_schedules(missed_after=MINUTE).next_slot_seconds

        assert wait == pytest.approx(300, abs=60)

    def test_other_jobs_and_schedules_are_no_concern_of_it(self, store: JobStore) -> None:
        save(store, "other", rule=every(timedelta(minutes=9)))
        make_job()
        end(store, JobState.SUCCEEDED)
        ArchivedJob.objects.filter(schedule="nightly").update(finished_at=NOON + MINUTE)

        assert fire(store, minutes=5).slots == ()

        slots = dict(Schedule.objects.values_list("name", "next_slot"))
        assert slots == {"nightly": NOON + 6 * MINUTE, "other": NOON + 8 * MINUTE}

    def test_a_slot_that_was_skipped_does_not_end_the_series(self, store: JobStore) -> None:
        end(store, JobState.SUCCEEDED)
        ArchivedJob.objects.update(finished_at=NOON)
        store.pause_schedule("nightly", reason="holidays")

        assert fire(store, minutes=6).next_slot_seconds == 300.0
