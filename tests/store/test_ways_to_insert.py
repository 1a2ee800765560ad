"""A job is the same row whichever statement stores it: alone or among others, short or long."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.db import DataError, Error, transaction

from django_jobqueue.core.specs import Inserted, NewJob
from django_jobqueue.models import Job, QueueRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import HOSTILE_TEXTS, LONG_AGO

pytestmark = pytest.mark.django_db

AT = datetime(2040, 5, 1, 12, 30, 15, 123_000, tzinfo=UTC)
#: When it was stored, and what it is called by.
OWN = ("id", "unique_key", "run_at", "ready_at", "created_at")

#: When it may run and under what key: other tests are about these.
ABOUT_STORING = {
    *("run_at", "delay", "waits_for", "max_attempts_is_default"),
    *("unique_key", "unique_for", "on_conflict"),
}

Way = Callable[[JobStore, NewJob], Inserted]


def alone(store: JobStore, job: NewJob) -> Inserted:
    return store.insert(job)


def alone_at_a_time(store: JobStore, job: NewJob) -> Inserted:
    return store.insert(job, now=store.database_now())


def among_others(store: JobStore, job: NewJob) -> Inserted:
    return store.insert_many([NewJob(handler="other"), job, job])[1]


def among_others_at_a_time(store: JobStore, job: NewJob) -> Inserted:
    return store.insert_many([job, NewJob(handler="other")], now=store.database_now())[0]


def among_its_like(store: JobStore, job: NewJob) -> Inserted:
    return store.insert_many([job, job])[1]


def with_a_key_among_others(store: JobStore, job: NewJob) -> Inserted:
    keyed = msgspec.structs.replace(job, unique_key=str(uuid4()))
    return store.insert_many([NewJob(handler="other", unique_key=str(uuid4())), keyed])[1]


WAYS = (
    alone,
    alone_at_a_time,
    among_others,
    among_others_at_a_time,
    among_its_like,
    with_a_key_among_others,
)
PLAIN = NewJob(handler="h")
FULL = NewJob(
    handler="full",
    queue="mail",
    priority=-7,
    payload='{"args":[1,"two"],"kwargs":{"three":null}}',
    expires_at=AT,
    max_attempts=9,
    timeout_seconds=1.5,
    backoff='{"kind":"constant"}',
    fingerprint="print",
    unique_while="waiting",
    concurrency_key="account:1",
    key_limit=4,
    tags='["a"]',
    meta='{"m":{"n":[1]}}',
    batch_id=5,
    template="nightly",
    schedule="s",
    slot=AT,
    requeued_from=8,
    result_as="page",
    on_failure="hold",
    has_next=True,
)


def row_of(way: Way, job: NewJob) -> dict[str, Any]:
    inserted = way(store_for("default"), job)
    assert inserted.created
    return Job.objects.filter(pk=inserted.id).values().get()


def without_own(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in OWN}


@pytest.mark.parametrize("way", WAYS)
def test_a_job_that_says_nothing_has_the_defaults_of_its_table(way: Way) -> None:
    bare = Job.objects.create(handler="h")

    assert without_own(row_of(way, PLAIN)) == without_own(Job.objects.values().get(pk=bare.pk))


@pytest.mark.parametrize("way", WAYS)
def test_no_way_to_store_a_job_leaves_an_option_out(way: Way) -> None:
    stored, plain = row_of(way, FULL), row_of(way, PLAIN)
    options = set(NewJob.__struct_fields__) - ABOUT_STORING

    assert {name for name in options if stored[name] == plain[name]} == set()
    assert without_own(stored) == without_own(row_of(alone_at_a_time, FULL))


@pytest.mark.parametrize("way", WAYS)
def test_a_time_of_another_zone_is_stored_as_the_moment_that_it_names(way: Way) -> None:
    there = AT.astimezone(timezone(timedelta(hours=5)))
    row = row_of(way, msgspec.structs.replace(PLAIN, expires_at=there, slot=there))

    assert Job.objects.filter(pk=row["id"], expires_at=AT, slot=AT).exists()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "times",
    [
        {"run_at": AT},
        {"delay": 60.0},
        {"delay": 0.5},
        {"waits_for": 7},
        {"waits_for": 7, "delay": 60.0},
    ],
)
def test_what_must_wait_waits_however_it_was_stored(way: Way, times: dict[str, Any]) -> None:
    job = msgspec.structs.replace(FULL, **times)
    row, other = row_of(way, job), row_of(alone_at_a_time, job)

    assert without_own(row) == without_own(other)
    assert abs(row["run_at"] - other["run_at"]) < timedelta(seconds=30)
    assert row["ready_at"] == row["created_at"]
    assert row["state"] == ("blocked" if "waits_for" in times else "scheduled")


def row_at(way: str, job: NewJob, now: datetime) -> Job:
    store = store_for("default")
    if way == "alone":
        return Job.objects.get(pk=store.insert(job, now=now).id)
    keyed = msgspec.structs.replace(job, unique_key=str(uuid4()) if way == "keyed" else None)
    return Job.objects.get(pk=store.insert_many([keyed], now=now)[0].id)


@pytest.mark.parametrize("way", ["alone", "in bulk", "keyed"])
def test_the_time_of_the_caller_is_that_of_the_job(way: str) -> None:
    for delay in (0.0, 60.0):
        row = row_at(way, NewJob(handler="h", delay=delay), AT)

        assert row.created_at == row.ready_at == AT
        assert row.run_at == AT + timedelta(seconds=delay)


@pytest.mark.parametrize("way", ["alone", "in bulk", "keyed"])
def test_what_is_due_is_so_by_the_time_of_the_caller(way: str) -> None:
    for seconds, state in ((-1, "scheduled"), (0, "ready"), (1, "ready")):
        job = NewJob(handler="h", run_at=LONG_AGO)

        assert row_at(way, job, LONG_AGO + timedelta(seconds=seconds)).state == state


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("delay", [0.0, -1.0, float("nan"), 1e-12])
def test_a_job_without_a_delay_worth_the_name_is_due_the_moment_it_is_stored(
    way: Way, delay: float
) -> None:
    row = row_of(way, msgspec.structs.replace(PLAIN, delay=delay))

    assert row["state"] == "ready"
    assert row["run_at"] == row["ready_at"] == row["created_at"]


@pytest.mark.parametrize("way", WAYS)
def test_a_job_that_says_nothing_of_attempts_has_those_of_its_queue(way: Way) -> None:
    for name, attempts in (("mail", 17), ("plain", None)):
        QueueRecord.objects.create(name=name, max_attempts=attempts)
    silent = NewJob(handler="h", queue="mail", max_attempts=9, max_attempts_is_default=True)
    jobs = [silent] + [
        msgspec.structs.replace(silent, **said)
        for said in ({"queue": "plain"}, {"queue": "other"}, {"max_attempts_is_default": False})
    ]

    assert [row_of(way, job)["max_attempts"] for job in jobs] == [17, 9, 9, 9]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_every_text_is_stored_as_it_is(way: Way, text: str) -> None:
    names = ("handler", "queue", "fingerprint", "concurrency_key", "template", "result_as")
    quoted = msgspec.json.encode([text]).decode()
    facts = dict.fromkeys(names, text)
    row = row_of(way, NewJob(**facts, tags=quoted, payload=f'{{"args":{quoted},"kwargs":{{}}}}'))

    assert {name: row[name] for name in names} == facts
    assert (row["tags"], row["payload"]["args"]) == ([text], [text])


@pytest.mark.parametrize("way", WAYS)
def test_a_job_that_the_database_refuses_is_an_error_of_django(way: Way) -> None:
    with pytest.raises(Error), transaction.atomic():
        way(store_for("default"), msgspec.structs.replace(PLAIN, payload="no JSON"))


@pytest.mark.postgresql
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("option", ["priority", "max_attempts", "batch_id", "requeued_from"])
def test_a_number_that_no_column_holds_is_an_error_of_django(way: Way, option: str) -> None:
    with pytest.raises(DataError), transaction.atomic():
        way(store_for("default"), msgspec.structs.replace(PLAIN, **{option: 2**63}))


@pytest.mark.parametrize("is_keyed", [True, False])
@pytest.mark.parametrize("count", [2, 1_001])
def test_jobs_that_differ_in_turn_keep_their_order(count: int, is_keyed: bool) -> None:
    jobs = [
        NewJob(
            handler="h",
            queue=f"q{n % 3}",
            fingerprint=str(n),
            priority=n % 2,
            unique_key=f"{n:04}" if is_keyed else None,
        )
        for n in range(count)
    ]
    ids = [one.id for one in store_for("default").insert_many(jobs)]
    stored = Job.objects.filter(pk__in=ids).order_by("pk")

    assert ids == sorted(ids)
    assert list(stored.values_list("queue", "fingerprint", "priority")) == [
        (job.queue, job.fingerprint, job.priority) for job in jobs
    ]
