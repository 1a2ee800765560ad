"""What ends and what takes its permits, in one exchange."""

from uuid import UUID, uuid4

import pytest

from django_jobqueue.core.limits import HandlerLimits, Limit, Limits
from django_jobqueue.core.specs import ClaimedJob, FinishedJob, Transition, WantedJobs
from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob, LimitRecord
from django_jobqueue.store.base import JobStore

from .helpers import claim, make_job
from .test_limits import NONE, ids, keyed, of_handler, of_queue, store, worker

__all__ = ["store", "worker"]  # fixtures

pytestmark = pytest.mark.django_db


def exchange(
    store: JobStore, worker: UUID, done: list[ClaimedJob], *, limits: Limits = NONE, total: int = 10
) -> list[ClaimedJob]:
    """End these jobs, and claim."""
    _, claimed = store.finish_and_claim(
        [FinishedJob(job, Transition(state=JobState.SUCCEEDED)) for job in done],
        worker_id=worker,
        token=uuid4(),
        wanted=[WantedJobs("default", 10)],
        total=total,
        limits=limits,
    )
    return claimed


def test_what_has_ended_does_not_count_for_what_is_claimed_with_it(
    store: JobStore, worker: UUID
) -> None:
    limits = of_queue(max_running=2)
    for _ in range(4):
        make_job()
    first = claim(store, worker, limits=limits)

    assert len(exchange(store, worker, first[:1], limits=limits)) == 1
    assert exchange(store, worker, [], limits=limits) == []


def test_an_exchange_claims_under_other_limits_too(store: JobStore, worker: UUID) -> None:
    keyed(2)
    done = claim(store, worker, limits=NONE)
    others = [*keyed(1, key="account:0"), *keyed(1, key="account:2"), make_job().pk]

    taken = ids(exchange(store, worker, done))

    assert sorted(taken) == sorted([done[0].id + 1, *others])


def test_an_exchange_takes_no_more_than_it_was_asked_for(store: JobStore, worker: UUID) -> None:
    keyed(2)
    done = claim(store, worker, limits=NONE)
    keyed(3, key="account:2", key_limit=3)

    assert len(exchange(store, worker, done, total=2)) == 2


def test_a_limit_that_was_declared_anew_holds_in_an_exchange(store: JobStore, worker: UUID) -> None:
    for _ in range(5):
        make_job()
    done = claim(store, worker, limits=of_handler(Limit(max_running=1)))
    assert len(done) == 1

    taken = exchange(store, worker, done, limits=of_handler(Limit(max_running=3)))
    store.unblock()
    taken += exchange(store, worker, [], limits=of_handler(Limit(max_running=3)))

    assert len(taken) == 3
    assert LimitRecord.objects.get().max_running == 3


def test_an_exchange_without_room_ends_and_readies_all_the_same(
    store: JobStore, worker: UUID
) -> None:
    _, second = keyed(2)
    done = claim(store, worker, limits=NONE)

    assert exchange(store, worker, done, total=0) == []
    assert ids(claim(store, worker, limits=NONE)) == [second]


def test_an_exchange_for_a_key_whose_row_is_gone_makes_one(store: JobStore, worker: UUID) -> None:
    _, second = keyed(2)
    done = claim(store, worker, limits=NONE)
    LimitRecord.objects.all().delete()

    assert ids(exchange(store, worker, done)) == [second]
    assert LimitRecord.objects.count() == 1


def test_what_no_limit_counts_ends_in_an_exchange_too(store: JobStore, worker: UUID) -> None:
    free = make_job()
    done = claim(store, worker, limits=NONE)
    [waiting] = keyed(1)

    assert ids(exchange(store, worker, done)) == [waiting]
    assert ArchivedJob.objects.get().pk == free.pk


def test_an_exchange_for_one_takes_one(store: JobStore, worker: UUID) -> None:
    _, second = keyed(2)
    done = claim(store, worker, limits=NONE)

    assert ids(exchange(store, worker, done, total=1)) == [second]


def test_behind_what_an_exchange_blocks_others_are_claimed(store: JobStore, worker: UUID) -> None:
    _, second, _ = keyed(3)
    free = make_job()
    done = claim(store, worker, total=1, limits=NONE)

    assert ids(exchange(store, worker, done, total=2)) == [second, free.pk]


def test_a_limit_that_is_not_locked_for_what_ends_is_locked_for_what_is_claimed(
    store: JobStore, worker: UUID
) -> None:
    limits = Limits(handlers={"narrow": HandlerLimits(name="narrow", limit=Limit(max_running=1))})
    keyed(1, key_limit=2)
    done = claim(store, worker, limits=limits)
    narrow = keyed(2, key_limit=2, handler="narrow")

    assert ids(exchange(store, worker, done, limits=limits)) == narrow[:1]


def test_beside_a_limit_of_its_queue_a_key_whose_row_is_gone_lets_the_next_start(
    store: JobStore, worker: UUID
) -> None:
    _, second = keyed(2)
    limits = of_queue(max_running=5)
    done = claim(store, worker, limits=limits)
    LimitRecord.objects.filter(kind="key").delete()

    assert ids(exchange(store, worker, done, limits=limits)) == [second]
