"""Limits across workers: what a claim may take, what it blocks, and what becomes ready again."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from django_jobqueue.core.limits import HandlerLimits, Limit, LimitKind, LimitName, Limits
from django_jobqueue.core.specs import ClaimedJob, FinishedJob, Transition, WantedJobs
from django_jobqueue.core.states import JobState
from django_jobqueue.models import Job, LimitRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import LEASE, claim, finish, make_job, register_worker

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NONE, NO_LIMIT = Limits(), Limit()


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def worker(store: JobStore) -> UUID:
    return register_worker(store)


def of_handler(limit: Limit = NO_LIMIT, **said: Any) -> Limits:
    rooms = said.pop("rooms", {})
    declared = HandlerLimits(name="tests.handler", limit=limit, **said)
    return Limits(handlers={"tests.handler": declared, "old.name": declared}, rooms=rooms)


def of_queue(**said: Any) -> Limits:
    return Limits(queues={"default": Limit(**said)})


def keyed(count: int, *, key: str = "account:1", **said: Any) -> list[int]:
    return [make_job(concurrency_key=key, **said).pk for _ in range(count)]


def ids(jobs: list[ClaimedJob]) -> list[int]:
    return [job.id for job in jobs]


def states() -> list[str]:
    return list(Job.objects.order_by("id").values_list("state", flat=True))


def test_without_limits_a_claim_leaves_jobs_with_a_key_alone(store: JobStore, worker: UUID) -> None:
    keyed(1)
    free = make_job()

    assert ids(claim(store, worker)) == [free.pk]


def test_a_key_lets_one_job_run_unless_it_says_how_many(store: JobStore, worker: UUID) -> None:
    ones = keyed(2)
    threes = keyed(4, key="account:2", key_limit=3)

    assert ids(claim(store, worker, limits=NONE)) == [ones[0], *threes[:3]]
    assert ids(claim(store, worker, limits=NONE)) == []


def test_jobs_refused_by_a_key_are_blocked_and_say_by_what(store: JobStore, worker: UUID) -> None:
    _, refused = keyed(2)
    claim(store, worker, limits=NONE)

    row = Job.objects.get(pk=refused)

    assert (row.state, row.blocked_by) == ("blocked", "key:account:1")
    assert (row.attempt, row.reprocess_count, row.claim_token) == (0, 0, None)


def test_a_job_behind_many_that_are_refused_is_claimed(store: JobStore, worker: UUID) -> None:
    first, *_ = keyed(6)
    free = make_job()

    assert ids(claim(store, worker, total=2, limits=NONE)) == [first, free.pk]


def test_a_handler_limit_counts_its_jobs_in_every_queue(store: JobStore, worker: UUID) -> None:
    for queue in ("a", "b"):
        make_job(queue=queue)
    make_job(queue="b", handler="other")
    limits = of_handler(Limit(max_running=1))

    taken = claim(store, worker, "a", "b", limits=limits)

    assert [(job.queue, job.handler) for job in taken] == [("a", "tests.handler"), ("b", "other")]
    assert Job.objects.get(state="blocked").blocked_by == "handler:tests.handler"


def test_a_job_under_an_old_name_of_its_handler_counts(store: JobStore, worker: UUID) -> None:
    make_job(handler="old.name")
    make_job()

    assert len(claim(store, worker, limits=of_handler(Limit(max_running=1)))) == 1


def test_a_full_queue_is_left_ready(store: JobStore, worker: UUID) -> None:
    for _ in range(3):
        make_job()
    other = make_job(queue="other")

    taken = claim(store, worker, "default", "other", limits=of_queue(max_running=2))

    assert len(taken) == 3
    assert other.pk in ids(taken)
    assert sorted(states()) == ["ready", "running", "running", "running"]


def test_what_another_worker_runs_counts(store: JobStore, worker: UUID) -> None:
    keyed(2)
    claim(store, register_worker(store), total=1, limits=NONE)

    assert claim(store, worker, limits=NONE) == []


def test_a_handler_without_room_in_this_process_is_left_ready(
    store: JobStore, worker: UUID
) -> None:
    mine = [make_job().pk for _ in range(3)]
    free = make_job(handler="other").pk
    limits = of_handler(rooms={"tests.handler": 1}, concurrency=1)

    assert ids(claim(store, worker, total=2, limits=limits)) == [mine[0], free]
    assert states() == ["running", "ready", "ready", "running"]


def test_no_more_limited_jobs_are_taken_than_there_is_room_for(
    store: JobStore, worker: UUID
) -> None:
    first, _ = keyed(1)[0], keyed(1, key="account:2")
    free = make_job().pk
    limits = Limits(limited_room=1)

    assert ids(claim(store, worker, limits=limits)) == [first, free]


def test_a_finish_readies_the_first_that_its_key_had_blocked(store: JobStore, worker: UUID) -> None:
    _, second, third = keyed(3)
    [job] = claim(store, worker, limits=NONE)
    done = FinishedJob(job, Transition(state=JobState.SUCCEEDED))

    _, next_ones = store.finish_and_claim(
        [done],
        worker_id=worker,
        token=uuid4(),
        wanted=[WantedJobs("default", 10)],
        total=10,
        limits=NONE,
    )

    assert ids(next_ones) == [second]
    assert Job.objects.get(pk=third).state == "blocked"


def test_blocked_jobs_become_ready_in_order_of_priority(store: JobStore, worker: UUID) -> None:
    keyed(1)
    [job] = claim(store, worker, limits=NONE)
    low, high = keyed(1)[0], keyed(1, priority=5)[0]
    claim(store, worker, limits=NONE)
    finish(store, job, JobState.SUCCEEDED)

    assert store.unblock().count == 1
    assert Job.objects.get(state="ready").pk == high
    assert Job.objects.get(state="blocked").pk == low


def test_nothing_becomes_ready_while_its_limit_is_full(store: JobStore, worker: UUID) -> None:
    keyed(2)
    claim(store, worker, limits=NONE)

    assert store.unblock().count == 0


def test_the_permits_of_a_dead_worker_return_with_its_jobs(store: JobStore) -> None:
    keyed(2)
    dead = register_worker(store)
    claim(store, dead, limits=NONE)

    store.release_of_worker(dead, started=[], cause="killed by SIGKILL")

    assert store.unblock().count == 1
    assert len(claim(store, register_worker(store), limits=NONE)) == 1


def test_a_limit_that_an_operator_sets_holds_whatever_the_code_declares(
    store: JobStore, worker: UUID
) -> None:
    keyed(5)
    store.set_limit(LimitName(LimitKind.KEY, "account:1"), Limit(max_running=2))
    assert len(claim(store, worker, limits=NONE)) == 2

    store.set_limit(LimitName(LimitKind.KEY, "account:1"), Limit(max_running=4))
    store.unblock()

    assert len(claim(store, worker, limits=NONE)) == 2
    assert store.clear_limit(LimitName(LimitKind.KEY, "account:1"))
    assert not store.clear_limit(LimitName(LimitKind.KEY, "account:1"))


def test_a_limit_that_is_lifted_lets_all_of_its_jobs_in(store: JobStore, worker: UUID) -> None:
    keyed(3)
    claim(store, worker, limits=NONE)
    store.set_limit(LimitName(LimitKind.KEY, "account:1"), Limit())
    store.unblock()

    assert len(claim(store, worker, limits=NONE)) == 2


def test_the_row_of_a_limit_shows_what_the_code_declares(store: JobStore, worker: UUID) -> None:
    keyed(1, key_limit=7)
    claim(store, worker, limits=NONE)

    row = LimitRecord.objects.get()

    assert (row.kind, row.name, row.max_running, row.set_at) == ("key", "account:1", 7, None)


class TestRates:
    def test_starts_are_evenly_spread(self, store: JobStore, worker: UUID) -> None:
        limits = of_handler(Limit(rate="100/m"))
        for _ in range(3):
            make_job()

        assert len(claim(store, worker, limits=limits, now=NOON)) == 1
        store.unblock(now=NOON + timedelta(seconds=0.5))
        assert claim(store, worker, limits=limits, now=NOON + timedelta(seconds=0.5)) == []
        store.unblock(now=NOON + timedelta(seconds=0.6))
        assert len(claim(store, worker, limits=limits, now=NOON + timedelta(seconds=0.6))) == 1

    def test_a_burst_may_start_at_once(self, store: JobStore, worker: UUID) -> None:
        for _ in range(10):
            make_job()
        limits = of_handler(Limit(rate="1/s", rate_burst=4))

        assert len(claim(store, worker, limits=limits, now=NOON)) == 4
        assert store.unblock(now=NOON + timedelta(seconds=2)).count == 2

    def test_a_sweep_knows_when_the_next_may_start(self, store: JobStore, worker: UUID) -> None:
        for _ in range(2):
            make_job()
        claim(store, worker, limits=of_handler(Limit(rate="1/m")), now=NOON)

        swept = store.unblock(now=NOON + timedelta(seconds=20))

        assert (swept.count, swept.next_due_seconds) == (0, 40.0)

    @pytest.mark.parametrize(("rate", "seconds"), [("10/s", 0.1), ("100/s", 0.05)])
    def test_a_quick_rate_is_looked_at_in_its_time_but_no_more_than_twenty_times_a_second(
        self, store: JobStore, worker: UUID, rate: str, seconds: float
    ) -> None:
        for _ in range(2):
            make_job()
        claim(store, worker, limits=of_handler(Limit(rate=rate)), now=NOON)

        assert store.unblock(now=NOON).next_due_seconds == pytest.approx(seconds)

    def test_a_queue_that_its_rate_refuses_tells_when_to_ask_again(
        self, store: JobStore, worker: UUID
    ) -> None:
        for _ in range(2):
            make_job()
        told: list[float] = []
        limits = Limits(queues={"default": Limit(rate="1/m")}, refused=told.append)

        assert len(claim(store, worker, limits=limits, now=NOON)) == 1
        assert told == [60.0]
        assert states() == ["running", "ready"]

    def test_three_workers_keep_to_a_rate_in_every_window(self, store: JobStore) -> None:
        workers = [register_worker(store, lease=LEASE * 100) for _ in range(3)]
        limits = of_handler(Limit(rate="100/m"))
        for _ in range(320):
            make_job()
        starts: list[float] = []
        for step in range(1_200):  # two minutes, looked at ten times a second by one or another
            now = NOON + timedelta(seconds=step / 10)
            store.unblock(now=now)
            taken = claim(store, workers[step % 3], total=5, limits=limits, now=now)
            starts += [step / 10] * len(taken)

        windows = [
            sum(1 for start in starts if begin <= start < begin + 60)
            for begin in (step / 10 for step in range(600))
        ]
        assert max(windows) <= 100
        assert min(windows) >= 95
