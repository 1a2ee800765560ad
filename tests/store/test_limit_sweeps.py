"""Rows of limits and the sweeps over them, where there is more than one."""

from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest

from django_jobqueue.core.limits import HandlerLimits, Limit, Limits
from django_jobqueue.core.specs import WantedJobs
from django_jobqueue.models import Job, LimitRecord
from django_jobqueue.store import limit_rows, store_for
from django_jobqueue.store.base import JobStore

from .helpers import claim, make_job, register_worker

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def worker(store: JobStore) -> UUID:
    return register_worker(store)


def rates(**of_handlers: str) -> Limits:
    """Limits of so many per time, by handler."""
    return Limits(
        handlers={
            name: HandlerLimits(name=name, limit=Limit(rate=rate))
            for name, rate in of_handlers.items()
        }
    )


def test_the_row_of_a_limit_follows_what_the_code_declares(store: JobStore, worker: UUID) -> None:
    for key_limit in (7, 5):
        make_job(concurrency_key="a", key_limit=key_limit)
        claim(store, worker, limits=Limits())

        assert LimitRecord.objects.get().max_running == key_limit


def test_what_the_code_declares_is_written_on_its_own_row_alone(
    store: JobStore, worker: UUID
) -> None:
    LimitRecord.objects.create(kind="key", name="b", max_running=9)
    LimitRecord.objects.create(kind="handler", name="a", max_running=9)
    for limit in (Limit(max_running=1), Limit(max_running=2, rate="5/s", rate_burst=3)):
        declared = HandlerLimits(name="tests.handler", key_limit=limit)
        make_job(concurrency_key="a")
        claim(store, worker, limits=Limits(handlers={"tests.handler": declared}))

    rows = LimitRecord.objects.values_list("kind", "name", "max_running", "rate", "rate_burst")
    assert sorted(rows) == [
        ("handler", "a", 9, None, 1),
        ("key", "a", 2, "5/s", 3),
        ("key", "b", 9, None, 1),
    ]


def test_a_limit_that_is_not_full_is_counted_beside_one_that_counts_nothing(
    store: JobStore, worker: UUID
) -> None:
    for _ in range(2):
        make_job(handler="h", concurrency_key="a")
    limits = rates(h="1000/s")
    later = NOON + SECOND

    assert len(claim(store, worker, total=1, limits=limits, now=NOON)) == 1
    assert claim(store, worker, limits=limits, now=later) == []
    assert Job.objects.get(state="blocked").blocked_by == "key:a"


def test_jobs_that_a_limit_without_a_row_blocks_become_ready(store: JobStore, worker: UUID) -> None:
    for _ in range(2):
        make_job(concurrency_key="a", queue="mail")
    claim(store, worker, "mail", limits=Limits())
    LimitRecord.objects.all().delete()

    swept = store.unblock()

    assert (swept.count, swept.queues) == (1, ("mail",))


@pytest.mark.parametrize("at_once", [1, 500])
def test_a_sweep_tells_the_queues_and_when_the_first_of_several_rates_lets_one_start(
    store: JobStore, worker: UUID, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limit_rows, "SWEEP", at_once)
    limits = rates(slow="1/h", quick="1/m", due="1/s")
    for handler in ("slow", "quick", "due"):
        for _ in range(2):
            make_job(handler=handler, queue=f"for {handler}")
    queues = [f"for {handler}" for handler in ("slow", "quick", "due")]
    claim(store, worker, *queues, limits=limits, now=NOON)

    swept = store.unblock(now=NOON + SECOND)

    assert (swept.count, swept.queues) == (1, ("for due",))
    assert swept.next_due_seconds == 1.0
    assert [one.name for one in swept.rated] == ["due", "quick", "slow"]
    assert store.unblock(now=NOON + SECOND).next_due_seconds == 59.0


def test_what_one_look_had_to_leave_does_not_let_the_next_take_more_than_the_total(
    store: JobStore, worker: UUID
) -> None:
    for _ in range(3):
        make_job(queue="a", concurrency_key="k")
        make_job(queue="b")
    wanted = [WantedJobs("a", 3), WantedJobs("b", 3)]

    taken = claim(store, worker, *wanted, total=2, limits=Limits())

    assert [job.queue for job in taken] == ["a", "b"]


def test_what_one_look_had_to_leave_does_not_let_the_next_take_more_of_a_queue(
    store: JobStore, worker: UUID
) -> None:
    refused = [make_job(queue="a", concurrency_key="k").pk for _ in range(2)][1]
    free = [make_job(queue="a").pk for _ in range(3)]

    taken = claim(store, worker, WantedJobs("a", 2), total=9, limits=Limits())

    assert [job.id for job in taken][1:] == free[:1]
    assert Job.objects.get(state="blocked").pk == refused


@pytest.mark.parametrize(("room", "count"), [(0, 1), (1, 0)])
def test_a_claim_tells_that_it_leaves_the_jobs_of_a_handler_without_room(
    store: JobStore, worker: UUID, room: int, count: int
) -> None:
    told: list[None] = []
    limits = Limits(
        handlers={"tests.handler": HandlerLimits(name="tests.handler", concurrency=1)},
        rooms={"tests.handler": room},
        passed_over=partial(told.append, None),
    )
    make_job()

    assert len(claim(store, worker, limits=limits)) == room
    assert len(told) == count
