"""Where claims begin, and how soon what lies before that is found."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from django_jobqueue.core.specs import ClaimedJob, WantedJobs
from django_jobqueue.store import store_for
from django_jobqueue.worker.watermarks import Head, Watermarks
from tests.store.helpers import make_job

from .bench import Bench, Time

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ZERO: dict[type, object] = {int: 0, str: "", datetime: NOON, bool: False}


def claimed(second: int, *, queue: str = "mail", priority: int = 0, **fields: Any) -> ClaimedJob:
    """A job that has been ready since so many seconds after noon."""
    given = {"queue": queue, "priority": priority, "ready_at": NOON + timedelta(seconds=second)}
    rest = {field.name: ZERO.get(field.type) for field in msgspec.structs.fields(ClaimedJob)}
    return ClaimedJob(**(rest | {"claim_token": uuid4()} | given | fields))


def seconds_of(wanted: WantedJobs) -> dict[int, float]:
    """The marks as seconds after noon, by priority."""
    return {mark.priority: (mark.ready_at - NOON).total_seconds() for mark in wanted.watermarks}


class Claims:
    """Claims from queues of a database that answers what the test says, in `cost` seconds."""

    def __init__(self, *queues: str, supported: bool = True) -> None:
        self.time, self.queues, self.cost = Time(), queues or ("mail",), 0.0
        self.watermarks = Watermarks(supported=supported, elapsed=self.time)

    def claim(
        self, *answer: ClaimedJob, total: int = 2, moves: bool = True, hurried: bool = False
    ) -> dict[str, dict[int, float]]:
        """Return where the claim began, by queue; {} where nothing was passed over."""
        asked = [WantedJobs(queue, total) for queue in self.queues]
        wanted = self.watermarks.applied(asked, hurried=hurried)
        self.time.passes(self.cost)
        self.watermarks.claimed(answer, of=wanted, total=total, moves=moves)
        return {one.queue: seconds_of(one) for one in wanted if one.watermarks}

    def full(self, second: int, **fields: Any) -> dict[str, dict[int, float]]:
        return self.claim(claimed(second, **fields), claimed(second + 1, **fields))


def test_a_claim_that_left_jobs_before_those_it_took_moves_nothing() -> None:
    claims = Claims()
    claims.full(10)

    claims.claim(claimed(20), claimed(21), moves=False)

    assert claims.full(30) == {"mail": {0: 10}}


def test_a_claim_begins_at_the_first_job_of_the_last_one() -> None:
    claims = Claims()

    began = [claims.full(second) for second in (10, 20, 30)]

    assert began == [{}, {"mail": {0: 10}}, {"mail": {0: 20}}]


def test_each_queue_and_priority_has_a_mark_of_its_own() -> None:
    claims = Claims("mail", "reports")
    claims.claim(claimed(3, priority=9), claimed(1), claimed(2, queue="reports"), total=3)

    assert claims.full(4) == {"mail": {9: 3, 0: 1}, "reports": {0: 2}}


def test_of_jobs_that_became_ready_at_one_moment_the_next_claim_passes_over_the_first() -> None:
    claims = Claims()
    claims.claim(claimed(1, id=8), claimed(1, id=7))
    claims.watermarks.returned([claimed(1, id=9)])

    [one] = claims.watermarks.applied([WantedJobs("mail", 2)])
    assert [mark.id for mark in one.watermarks] == [7]


def test_what_is_not_claimed_any_more_keeps_its_mark() -> None:
    claims = Claims()
    claims.full(1, priority=9)
    claims.full(5)

    assert claims.full(7) == {"mail": {9: 1, 0: 5}}


@pytest.mark.parametrize("answer", [(), (claimed(30),)], ids=["nothing", "less than asked for"])
def test_a_claim_that_came_back_short_is_followed_by_a_sweep(
    answer: tuple[ClaimedJob, ...],
) -> None:
    claims = Claims()
    claims.full(10)
    assert claims.claim(*answer) == {"mail": {0: 10}}

    assert claims.claim() == {}


def test_a_queue_that_was_not_reached_is_not_short() -> None:
    claims = Claims("mail", "reports")
    claims.claim(claimed(1), claimed(2, queue="reports"))

    claims.full(2)

    assert claims.full(4) != {}


def test_however_full_the_claims_are_there_is_a_sweep_every_second() -> None:
    claims = Claims()

    swept = []
    for look in range(31):
        if not claims.full(look):
            swept.append(look)
        claims.time.passes(0.1)

    assert swept == [0, 10, 20, 30]


def test_a_queue_that_a_sweep_did_not_reach_is_swept_by_the_next() -> None:
    claims = Claims("mail", "reports")
    claims.claim(claimed(1), claimed(2, queue="reports"))
    claims.time.passes(1)

    assert claims.full(3) == {}
    assert claims.full(5) == {}, "reports has not been swept yet"
    claims.claim(claimed(7), claimed(7, queue="reports"))
    assert claims.full(9) != {}


@pytest.mark.parametrize(("cost", "pause"), [(0.01, 0.2), (0.1, 2.0), (10.0, 5.0)])
def test_sweeps_take_a_twentieth_of_the_time_and_come_every_five_seconds(
    cost: float, pause: float
) -> None:
    claims = Claims()
    claims.cost = cost
    claims.full(1)
    claims.cost = 0.0
    claims.claim()

    claims.time.passes(pause - 0.01)
    assert claims.claim() != {}
    claims.time.passes(0.02)
    assert claims.claim() == {}


def test_a_claim_that_somebody_waits_for_leaves_the_sweep_to_the_next_for_a_while() -> None:
    claims = Claims()
    claims.claim(claimed(10))
    claims.time.passes(1.9)

    assert claims.claim(hurried=True) == {"mail": {0: 10}}
    claims.time.passes(0.2)
    assert claims.claim(hurried=True) == {}
    assert claims.claim() == {}


def test_full_claims_are_swept_every_second_whoever_waits_for_them() -> None:
    claims = Claims()
    claims.full(10)
    claims.time.passes(1)

    assert claims.claim(claimed(11), claimed(12), hurried=True) == {}


def test_the_queues_that_gave_jobs_last_are_known_with_where_they_are() -> None:
    claims = Claims("mail", "reports", "empty")
    claims.claim(claimed(1), claimed(2, queue="reports"), total=3)
    for number in range(Watermarks.KNOWN - 1):
        claims.time.passes(1)
        claims.queues = (f"queue-{number}",)
        claims.full(number, queue=f"queue-{number}")
        claims.queues = ("mail",)
        claims.full(number)

    known = {one.queue: seconds_of(one) for one in claims.watermarks.known}

    assert len(known) == Watermarks.KNOWN
    assert known["mail"] == {0: Watermarks.KNOWN - 2}
    assert not {"reports", "empty"} & known.keys()


def test_a_sweep_that_finds_an_older_job_lowers_the_mark() -> None:
    claims = Claims()
    claims.full(100)
    claims.time.passes(1)

    claims.claim(claimed(5), claimed(101))

    assert claims.full(101) == {"mail": {0: 5}}


def test_a_job_that_is_given_back_is_in_sight_of_the_claim_after_the_next() -> None:
    claims = Claims()
    claims.full(10)
    claims.watermarks.returned([claimed(5), claimed(5, queue="other"), claimed(5, priority=1)])

    assert claims.full(20) == {"mail": {0: 10}}, "it is written after this claim"
    assert claims.full(30) == {"mail": {0: 5}}
    assert claims.full(40) == {"mail": {0: 30}}


def test_a_job_whose_times_cannot_be_told_moves_no_mark() -> None:
    claims = Claims()
    claims.claim(claimed(10), claimed(9, unreadable="ready_at infinity"))

    assert claims.full(20) == {"mail": {0: 10}}


def test_a_database_without_them_is_always_swept() -> None:
    claims = Claims(supported=False)

    assert [claims.full(second) for second in range(3)] == [{}] * 3


def test_what_is_remembered_is_bounded() -> None:
    head = Head()
    for priority in range(100):
        head.moved([claimed(priority, priority=priority)], now=0.0)
    assert [mark.priority for mark in head.watermarks] == [99, 98, 97, 96, 95, 94, 93, 92]

    claims = Claims()
    for number in range(3 * Watermarks.QUEUES):
        claims.queues = (f"queue-{number}",)
        claims.full(number, queue=f"queue-{number}")
    assert len(claims.watermarks._heads) <= Watermarks.QUEUES + 1


# In the pump.


def ended(bench: Bench) -> Iterator[int]:
    """Claim, and end what was claimed, again and again; yield the ids."""
    while True:
        bench.pump.wake()
        bench.pump.tick()
        ids = [held.job.id for held in bench.sync.running]
        bench.end_all()
        yield from ids


def passed_over(bench: Bench) -> Sequence[WantedJobs]:
    wanted = bench.watermarks.applied([WantedJobs("default", 1)])
    return [one for one in wanted if one.watermarks]


@pytest.mark.django_db
def test_a_job_that_is_committed_behind_a_watermark_runs_within_a_second_of_full_claims() -> None:
    bench = Bench(sync_slots=1, async_slots=0)
    for _ in range(40):
        bench.enqueue()
    ids = ended(bench)
    for _ in range(3):
        next(ids)
    assert bool(passed_over(bench)) is store_for("default").supports_watermarks
    late = make_job(handler="tests.sync", ready_at=NOON).pk

    seen = []
    for _ in range(12):
        bench.time.passes(0.1)
        seen.append(next(ids))

    assert late in seen
