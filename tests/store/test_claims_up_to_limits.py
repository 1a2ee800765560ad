"""Claims that take what is ahead of every limit, without looking at limits."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from django_jobqueue.core.limits import Grants, HandlerLimits, Limit, Limits
from django_jobqueue.core.specs import ClaimedJob, FinishedJob, Transition, WantedJobs, Watermark
from django_jobqueue.core.states import JobState
from django_jobqueue.models import Job
from django_jobqueue.store.ahead import Ahead
from django_jobqueue.store.base import JobStore
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

    def test_one_that_took_nothing_is_the_last(self) -> None:
        ahead = Ahead()
        ahead.looked(Grants(claimed=[1]), met_limits=False)

        ahead.claimed(1)
        assert ahead.of(self.WANTED, LIMITS)
        ahead.claimed(0)
        assert not ahead.of(self.WANTED, LIMITS)


@pytest.mark.postgresql
@pytest.mark.django_db
class TestClaim:
    def test_it_is_one_statement(self, store: JobStore, worker: UUID) -> None:
        primed(store, worker)
        jobs = [make_job(queue="free").pk for _ in range(3)]

        with CaptureQueriesContext(connection) as queries:
            claimed = exchange(store, worker, WantedJobs("free", 3), total=3)

        assert ids(claimed) == jobs
        assert sum("jobqueue_job" in query["sql"] for query in queries) == 1

    def test_it_goes_up_to_the_first_job_under_a_limit_and_no_further(
        self, store: JobStore, worker: UUID
    ) -> None:
        primed(store, worker)
        first = make_job(queue="free")
        limited = [make_job(queue="free", handler="limited") for _ in range(2)]
        last = make_job(queue="free")

        assert ids(exchange(store, worker, WantedJobs("free", 2), total=2)) == [
            first.pk,
            limited[0].pk,
        ]
        assert ids(exchange(store, worker, WantedJobs("free", 2), total=2)) == [last.pk]
        assert Job.objects.get(pk=limited[1].pk).blocked_by == "handler:limited"

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

    def test_it_begins_at_watermarks(self, store: JobStore, worker: UUID) -> None:
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

        assert ids(exchange(store, worker, *wanted, **asked)) == ids(whole)
