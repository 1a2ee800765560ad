"""What is kept of schedules and templates, and in which order they are told."""

from typing import Any

import pytest

from django_jobqueue.core.cron import every
from django_jobqueue.core.schedules import StoredTemplate
from django_jobqueue.core.specs import NewJob
from django_jobqueue.models import Schedule
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .schedules import MINUTE, NOON, a_schedule, fire, save

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


def test_they_are_listed_by_name_and_no_more_than_asked_for(store: JobStore) -> None:
    for name in ("b", "c", "a"):
        save(store, name)
        template = StoredTemplate(name=name, handler="shop.report", payload="{}")
        store.save_template(template, job=NewJob(handler="shop.report", template=name))

    for everything in (store.list_schedules(), store.list_templates()):
        assert [one.name for one in everything] == ["a", "b", "c"]
    for some in (store.list_schedules(limit=2), store.list_templates(limit=2)):
        assert [one.name for one in some] == ["a", "b"]


def test_a_slot_is_told_with_its_job(store: JobStore) -> None:
    save(store)
    [fired] = fire(store, minutes=0).slots
    [kept] = store.slots_of("nightly")

    assert (kept.schedule, kept.slot, kept.reason) == ("nightly", NOON, "")
    assert fired.job_id is not None
    assert kept.job_id == fired.job_id


def test_one_that_waits_for_its_job_to_end_is_not_begun_anew_by_being_saved(
    store: JobStore,
) -> None:
    new = a_schedule(rule=every(300, after="finish"))
    store.save_schedule(new, now=NOON)
    assert len(fire(store, minutes=5).slots) == 1

    assert store.save_schedule(new, now=NOON + 6 * MINUTE) is False
    assert store.find_schedule("nightly").next_slot is None


def test_a_reason_is_cut_to_what_is_stored(store: JobStore) -> None:
    save(store)
    store.pause_schedule("nightly", reason="x" * 300)

    assert store.find_schedule("nightly").pause_reason == "x" * 255


def test_the_options_are_what_the_job_has_beside_its_handler_payload_and_times(
    store: JobStore,
) -> None:
    facts: dict[str, Any] = {"handler": "shop.report", "payload": '{"args":[1],"kwargs":{}}'}
    own: dict[str, Any] = {"run_at": NOON, "expires_at": NOON, "slot": NOON, "schedule": "weekly"}
    save(store, job=NewJob(**facts, **own, template="report", queue="mail", priority=3))

    assert Schedule.objects.get().options == {"queue": "mail", "priority": 3}
