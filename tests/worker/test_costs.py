"""What a job costs its worker, counted without a clock: statements, memory and calls."""

import asyncio
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_jobqueue.core.specs import NewJob
from django_jobqueue.models import Job
from django_jobqueue.store import sql, store_for

from .bench import Bench
from .test_executor import TrialOf, do_nothing
from .test_executor import trial_of as trial_of

pytestmark = pytest.mark.django_db

BATCH = 500
#: The last of them is how SQLite takes its lock within the transaction of a test.
TRANSACTION = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", sql.load("sqlite", "take_write_lock"))


@pytest.fixture
def bench() -> Bench:
    """A pump that has asked for limits and queues, and will not ask again."""
    bench = Bench(sync_slots=BATCH)
    bench.bus.unsubscribe(bench.told)
    bench.enqueue()
    work_off(bench)
    return bench


def enqueue(count: int) -> None:
    new = NewJob(handler="tests.sync", payload='{"args":[],"kwargs":{"number":1}}')
    store_for("default").insert_many([new] * count)


def work_off(bench: Bench) -> int:
    """Return in how many rounds."""
    rounds = 0
    bench.pump.wake()
    while Job.objects.exists():
        bench.pump.tick()
        bench.end_all()
        rounds += 1
    return rounds


def test_a_backlog_is_worked_off_in_full_batches(bench: Bench) -> None:
    enqueue(10 * BATCH)

    # One more than there are batches: it writes the outcomes of the last.
    assert work_off(bench) <= 11


def test_a_new_worker_claims_full_batches_of_quick_jobs_however_long_an_exchange_takes() -> None:
    bench = Bench(sync_slots=10)
    enqueue(5 * BATCH)
    bench.pump.wake()
    # The first round has ten jobs, the second what these tell, and one more writes the last.
    for _ in range(2 + 5 + 1):
        bench.time.passes(0.1)
        bench.pump.tick()
        while bench.sync.running:
            bench.time.passes(0.0001)
            bench.end(bench.sync.running[0])

    assert not Job.objects.exists()


def test_while_the_slots_are_full_the_queues_are_left_alone() -> None:
    bench = Bench(sync_slots=2)
    enqueue(3)
    bench.pump.wake()
    assert bench.pump.tick() == 2

    with CaptureQueriesContext(connection) as captured:
        for _ in range(3):
            bench.pump.tick()
            bench.time.passes(bench.pump.rest())

    assert [each["sql"] for each in captured] == []


def test_a_round_is_a_claim_and_what_ends_the_jobs_of_the_last(bench: Bench) -> None:
    enqueue(3 * BATCH)
    bench.pump.wake()
    bench.pump.tick()
    bench.end_all()

    with CaptureQueriesContext(connection) as captured:
        assert bench.pump.tick() == BATCH

    sent = [each["sql"] for each in captured if not each["sql"].startswith(TRANSACTION)]
    # On SQLite a move is a look which claims hold, a copy and a deletion, and a claim tells its
    # rows in a text of another statement.
    assert len(sent) <= (5 if bench.store.has_one_writer else 2), sent


def test_a_job_in_hand_is_not_kept_in_more_pieces_than_it_has(bench: Bench) -> None:
    enqueue(BATCH)
    bench.pump.wake()
    gc.collect()
    before = sys.getallocatedblocks()

    assert bench.pump.tick() == BATCH

    kept = (sys.getallocatedblocks() - before) / BATCH
    # The claim, its texts and times, and what holds it: 11.7. A dictionary each would be one more.
    assert kept <= 12.5


def test_nothing_is_kept_of_jobs_that_ended(bench: Bench) -> None:
    def round_of_jobs() -> int:
        enqueue(BATCH)
        work_off(bench)
        gc.collect()
        return sys.getallocatedblocks()

    round_of_jobs()

    before, after = round_of_jobs(), round_of_jobs()

    assert after - before < BATCH


@contextmanager
def calls_counted() -> Iterator[list[int]]:
    """Yield how many Python functions this thread has called in the block, at its end."""
    calls = [0]

    def count(frame: FrameType, event: str, argument: object) -> None:
        calls[0] += event == "call"

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def test_the_pump_calls_few_functions_for_each_job(bench: Bench) -> None:
    enqueue(3 * BATCH)
    bench.pump.wake()
    bench.pump.tick()
    bench.end_all()

    with calls_counted() as calls:
        assert bench.pump.tick() == BATCH

    # 18 and 30, each turn of a generator among them; parameters for PostgreSQL are written here.
    assert calls[0] / BATCH <= (20 if bench.store.has_one_writer else 32)


@pytest.mark.parametrize("is_async", [False, True])
def test_few_functions_are_called_for_a_job_beside_its_own(
    trial_of: TrialOf, *, is_async: bool
) -> None:
    async def await_nothing() -> None: ...

    trial = trial_of(await_nothing if is_async else do_nothing)

    async def perform() -> None:
        if is_async:
            await trial.executor.perform_async(trial.held)
        else:
            trial.executor.perform(trial.held)

    async def count_again() -> int:
        await perform()  # with what is done once
        with calls_counted() as calls:
            await perform()
        return calls[0]

    # 58 to 60; the watches of an async job are no more than the cleaning behind a sync one.
    assert asyncio.run(count_again()) <= 65
