"""Claims that take what is ahead of every limit, without looking at limits."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from msgspec.structs import replace

from django_jobqueue.core.limits import Grants, HandlerLimits, Limit, Limits
from django_jobqueue.core.specs import ClaimedJob, FinishedJob, Transition, WantedJobs, Watermark
from django_jobqueue.core.states import JobState
from django_jobqueue.models import Job
from django_jobqueue.store.ahead import Ahead
from django_jobqueue.store.base import JobStore
from django_jobqueue.store.limited import still_wanted
from django_jobqueue.store.postgresql import PostgreSQLStore

from .helpers import make_job, register_worker

ONE = Limit(max_running=1)
LIMITS = Limits(
    handlers={"limited": HandlerLimits(name="limited", limit=ONE)},
    queues={"narrow": Limit(max_running=2)},
)


@pytest.fixture
def worker() -> UUID:
    return register_worker()


@pytest.fixture
def store() -> JobStore:
    """Not the one of the site: it remembers what its claims have met."""
    return PostgreSQLStore("default")


def exchange(
    store: JobStore,
    worker: UUID,
    *wanted: WantedJobs,
    total: int = 100,
    limits: Limits = LIMITS,
    done: Sequence[ClaimedJob] = (),
) -> list[ClaimedJob]:
    ended = [FinishedJob(job, Transition(state=JobState.SUCCEEDED)) for job in done]
    _, claimed = store.finish_and_claim(
        ended, worker_id=worker, token=uuid4(), wanted=wanted, total=total, limits=limits
    )
    return claimed


def exchanges(store: JobStore, worker: UUID, *wanted: WantedJobs, total: int) -> list[ClaimedJob]:
    """Claim, and once more where the first look has left something behind."""
    left: list[str] = []
    limits = replace(LIMITS, left_behind=left.extend)
    claimed = exchange(store, worker, *wanted, total=total, limits=limits)
    if left:
        rest = [one for one in still_wanted(wanted, claimed) if one.queue in left]
        claimed += exchange(store, worker, *rest, total=total - len(claimed), limits=limits)
    return claimed


def primed(store: JobStore, worker: UUID) -> None:
    """The last look of the store was at everything, and met no limit."""
    make_job(queue="free")
    assert len(exchange(store, worker, WantedJobs("free", 1))) == 1


def ids(jobs: Sequence[ClaimedJob]) -> list[int]:
    return [job.id for job in jobs]


class TestAhead:
    WANTED = (WantedJobs("a", 5), WantedJobs("narrow", 5), WantedJobs("b", 5))

    def test_the_first_look_is_at_everything(self) -> None:
        assert Ahead().of(self.WANTED, LIMITS) == []

    def test_so_is_the_next_after_a_first_that_found_nothing(self) -> None:
        ahead = Ahead()
        ahead.found_nothing()

        assert ahead.of(self.WANTED, LIMITS) == []

    def test_ten_claims_follow_a_look_that_met_no_limit(self) -> None:
        ahead = Ahead()
        ahead.looked(Grants(claimed=[1]), met_limits=False)

        asked = [ahead.of(self.WANTED, LIMITS) for _ in range(12)]

        assert asked == [[WantedJobs("a", 5)]] * 10 + [[]] * 2

    @pytest.mark.parametrize(
        ("grants", "met_limits"), [(Grants(claimed=[1]), True), (Grants(), False)]
    )
    def test_none_follows_a_look_that_met_one_or_found_nothing(
        self, grants: Grants, met_limits: bool
    ) -> None:
        ahead = Ahead()
        ahead.looked(Grants(claimed=[1]), met_limits=False)
        ahead.looked(grants, met_limits=met_limits)

        assert ahead.of(self.WANTED, LIMITS) == []

    def test_one_that_took_less_than_it_could_is_the_last(self) -> None:
        ahead = Ahead()
        ahead.looked(Grants(claimed=[1]), met_limits=False)

        ahead.claimed(2, of=2)
        assert ahead.of(self.WANTED, LIMITS)
        ahead.claimed(1, of=2)
        assert not ahead.of(self.WANTED, LIMITS)

    @pytest.mark.parametrize("met_limits", [True, False])
    def test_a_look_that_found_nothing_leaves_it_at_what_the_last_one_met(
        self, met_limits: bool
    ) -> None:
        ahead = Ahead()
        ahead.looked(Grants(claimed=[1]), met_limits=met_limits)
        ahead.claimed(0, of=5)

        ahead.found_nothing()

        assert bool(ahead.of(self.WANTED, LIMITS)) is not met_limits


@pytest.mark.postgresql
@pytest.mark.django_db
class TestClaim:
    @pytest.mark.parametrize("count", [1, 3])
    def test_it_is_one_statement(self, store: JobStore, worker: UUID, count: int) -> None:
        primed(store, worker)
        jobs = [make_job(queue="free").pk for _ in range(count)]

        with CaptureQueriesContext(connection) as queries:
            claimed = exchange(store, worker, WantedJobs("free", count), total=count)

        assert ids(claimed) == jobs
        assert sum("jobqueue_job" in query["sql"] for query in queries) == 1

    def test_it_still_is_after_one_that_found_nothing(self, store: JobStore, worker: UUID) -> None:
        primed(store, worker)
        assert exchange(store, worker, WantedJobs("free", 1)) == []
        job = make_job(queue="free")

        with CaptureQueriesContext(connection) as queries:
            claimed = exchange(store, worker, WantedJobs("free", 1), total=1)

        assert ids(claimed) == [job.pk]
        assert sum("jobqueue_job" in query["sql"] for query in queries) == 1

    def test_it_goes_up_to_the_first_job_under_a_limit_and_no_further(
        self, store: JobStore, worker: UUID
    ) -> None:
        primed(store, worker)
        first = make_job(queue="free")
        limited = [make_job(queue="free", handler="limited") for _ in range(2)]
        last = make_job(queue="free")

        assert ids(exchange(store, worker, WantedJobs("free", 2), total=2)) == [first.pk]
        assert ids(exchange(store, worker, WantedJobs("free", 1), total=1)) == [limited[0].pk]
        assert ids(exchange(store, worker, WantedJobs("free", 2), total=2)) == [last.pk]
        assert Job.objects.get(pk=limited[1].pk).blocked_by == "handler:limited"

    def test_what_it_claimed_does_not_wait_for_a_look_at_the_rest(
        self, store: JobStore, worker: UUID
    ) -> None:
        primed(store, worker)
        first, _ = make_job(queue="free"), make_job(queue="free", handler="limited")
        left: list[str] = []
        limits = replace(LIMITS, left_behind=left.extend)
        wanted = [WantedJobs("free", 1), WantedJobs("narrow", 1), WantedJobs("other", 1)]

        with CaptureQueriesContext(connection) as queries:
            claimed = exchange(store, worker, *wanted, total=3, limits=limits)

        assert ids(claimed) == [first.pk]
        assert sum("jobqueue_job" in query["sql"] for query in queries) == 1
        assert left == ["narrow", "other"]

    def test_without_room_for_more_nothing_is_left_behind(
        self, store: JobStore, worker: UUID
    ) -> None:
        primed(store, worker)
        make_job(queue="free")
        left: list[str] = []
        limits = replace(LIMITS, left_behind=left.extend)

        assert len(exchange(store, worker, WantedJobs("free", 5), total=1, limits=limits)) == 1
        assert left == []

    def test_a_key_is_a_limit(self, store: JobStore, worker: UUID) -> None:
        primed(store, worker)
        one, two = (make_job(queue="free", concurrency_key="k").pk for _ in range(2))
        free = make_job(queue="free").pk

        assert ids(exchange(store, worker, WantedJobs("free", 3))) == [one, free]
        assert Job.objects.get(pk=two).state == "blocked"

    def test_a_queue_behind_one_with_a_limit_is_not_asked_before_it(
        self, store: JobStore, worker: UUID
    ) -> None:
        primed(store, worker)
        narrow = [make_job(queue="narrow").pk for _ in range(3)]
        free = make_job(queue="free").pk

        claimed = exchange(store, worker, WantedJobs("narrow", 9), WantedJobs("free", 9), total=3)

        assert ids(claimed) == [*narrow[:2], free]

    def test_what_ends_is_written_with_it(self, store: JobStore, worker: UUID) -> None:
        primed(store, worker)
        job = make_job(queue="free")
        [claimed] = exchange(store, worker, WantedJobs("free", 1), total=1)

        exchange(store, worker, WantedJobs("free", 1), total=1, done=[claimed])

        assert claimed.id == job.pk
        assert not Job.objects.filter(pk=job.pk).exists()

    def test_without_room_nothing_is_asked(self, store: JobStore, worker: UUID) -> None:
        primed(store, worker)
        make_job(queue="free")

        with CaptureQueriesContext(connection) as queries:
            assert exchange(store, worker, WantedJobs("free", 1), total=0) == []

        assert not any("jobqueue_job" in query["sql"] for query in queries)

    def test_the_permit_of_what_ends_goes_to_who_was_blocked_for_it(
        self, store: JobStore, worker: UUID
    ) -> None:
        one, two = (make_job(queue="free", concurrency_key="k").pk for _ in range(2))
        [first] = exchange(store, worker, WantedJobs("free", 2))
        primed(store, worker)

        claimed = exchange(store, worker, WantedJobs("free", 2), done=[first])

        assert (first.id, ids(claimed)) == (one, [two])

    @pytest.mark.parametrize("is_primed", [True, False], ids=["ahead", "a look at everything"])
    def test_it_begins_at_watermarks(self, store: JobStore, worker: UUID, is_primed: bool) -> None:
        if is_primed:
            primed(store, worker)
        before, after = (make_job(queue="free") for _ in range(2))
        marks = (Watermark(0, after.ready_at),)
        Job.objects.filter(pk=before.pk).update(ready_at=after.ready_at - timedelta(minutes=1))

        assert ids(exchange(store, worker, WantedJobs("free", 1, marks), total=1)) == [after.pk]

    @pytest.mark.parametrize("seed", range(20))
    def test_it_takes_what_a_look_at_everything_takes(
        self, store: JobStore, worker: UUID, seed: int
    ) -> None:
        chance = random.Random(seed)
        primed(store, worker)
        for _ in range(12):
            make_job(
                queue=chance.choice(["free", "narrow", "other"]),
                handler=chance.choice(["tests.handler"] * 4 + ["limited"]),
                concurrency_key=chance.choice([None] * 4 + ["k"]),
                priority=chance.randrange(2),
            )
        queues = chance.sample(["free", "narrow", "other"], 3)
        wanted = [WantedJobs(queue, chance.randrange(1, 6)) for queue in queues]
        asked: dict[str, Any] = {"total": chance.randrange(1, 8)}

        with transaction.atomic():
            whole = exchange(PostgreSQLStore("default"), worker, *wanted, **asked)
            transaction.set_rollback(True)

        assert ids(exchanges(store, worker, *wanted, **asked)) == ids(whole)
