"""Operators mean what they name, and nothing beside it."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from django_jobqueue.core.schedules import StoredTemplate
from django_jobqueue.core.specs import JobFilter, NewJob
from django_jobqueue.core.states import JobState
from django_jobqueue.models import Job, QueueRecord, Schedule
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import LEASE, LONG_AGO, make_job, register_worker
from .schedules import save

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


def test_a_job_that_is_run_now_is_at_the_end_of_the_line_and_the_others_wait(
    store: JobStore,
) -> None:
    meant, other = (make_job(JobState.SCHEDULED, ready_at=LONG_AGO).pk for _ in range(2))

    assert store.run_now(JobFilter(ids=(meant,))) == 1

    states = dict(Job.objects.values_list("pk", "state"))
    assert states == {meant: "ready", other: "scheduled"}
    assert abs(Job.objects.get(pk=meant).ready_at - store.database_now()) < MINUTE


def test_a_worker_is_asked_to_stop_and_the_others_are_not(store: JobStore) -> None:
    asked, other = register_worker(store), register_worker(store)

    assert store.request_worker_stop(asked)

    assert store.heartbeat(asked, lease=LEASE).stop_requested
    assert not store.heartbeat(other, lease=LEASE).stop_requested


def test_of_why_a_queue_is_paused_so_much_is_kept_as_fits(store: JobStore) -> None:
    store.pause_queue("q", reason="x" * 300)

    assert store.queue_stats("q").pause_reason == "x" * 255


def test_a_change_of_a_pause_answers_what_held_before(store: JobStore) -> None:
    nothing = {"paused_at": None, "paused_until": None, "pause_reason": ""}
    assert store.pause_queue("q", reason="why") == nothing
    paused = store.pause_queue("q", reason="because")

    assert (paused["pause_reason"], paused["paused_at"] is None) == ("why", False)
    resumed = store.resume_queue("q")
    assert resumed is not None
    assert resumed["pause_reason"] == "because"
    assert store.resume_queue("q") is None


def test_nothing_of_a_pause_is_left_when_it_has_ended(store: JobStore) -> None:
    store.pause_queue("q", reason="why", until=store.database_now() + MINUTE)
    store.resume_queue("q")

    row = QueueRecord.objects.get()
    assert (row.paused_at, row.paused_until, row.pause_reason) == (None, None, "")


def test_nothing_is_left_of_why_a_schedule_did_not_run(store: JobStore) -> None:
    save(store)
    store.pause_schedule("nightly", reason="holidays")
    Schedule.objects.update(disabled_at=Now(), disabled_reason="no such zone", next_slot=None)

    assert store.resume_schedule("nightly")

    found = store.find_schedule("nightly")
    assert (found.paused_at, found.pause_reason) == (None, "")
    assert (found.disabled_at, found.disabled_reason) == (None, "")
    assert found.next_slot is not None
    assert abs(found.next_slot - store.database_now()) < 6 * MINUTE


def test_a_template_changes_its_own_schedules_alone(store: JobStore) -> None:
    for name in ("a", "b"):
        template = StoredTemplate(name=name, handler=f"of.{name}", payload='{"args":[]}')
        store.save_template(template, job=NewJob(handler=f"of.{name}"))
        save(store, f"by {name}", job=NewJob(handler=f"of.{name}", template=name))

    changed = StoredTemplate(name="a", handler="new", payload='{"args":[1]}')
    store.save_template(changed, job=NewJob(handler="new", payload='{"args":[1]}'))

    assert dict(Schedule.objects.values_list("name", "handler")) == {"by a": "new", "by b": "of.b"}
    assert (store.find_template("a").handler, store.find_template("b").handler) == ("new", "of.b")
    store.delete_schedule("by a")
    store.delete_template("a")
    assert store.find_template("b").name == "b"
