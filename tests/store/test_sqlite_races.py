"""Several connections to one SQLite file: nothing is taken twice, nobody hears of a lock."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from django.db import OperationalError, connection, transaction

from django_jobqueue.core.specs import Beat, JobFilter, NewJob
from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob, Job, WorkerRecord
from django_jobqueue.store import sqlite_turns, store_for
from django_jobqueue.store.base import JobStore

from .helpers import LEASE, claim, claimed, finish, ids_of, register_worker

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]

SECONDS = 30
T = TypeVar("T")


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


def in_thread(work: Callable[[], T]) -> Callable[[], T]:
    """Wrap work for a thread of its own, whose connection it closes."""

    def run() -> T:
        try:
            return work()
        finally:
            connection.close()

    return run


def side_by_side(*works: Callable[[], T]) -> list[T]:
    """Begin all works at one moment; return what each answered."""
    barrier = threading.Barrier(len(works), timeout=SECONDS)

    def begin(work: Callable[[], T]) -> T:
        barrier.wait()
        return in_thread(work)()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(begin, works, timeout=SECONDS))


@contextmanager
def options_of_new_connections(**options: Any) -> Iterator[None]:
    """Change what connections are opened with from here on, this thread's included."""
    known = dict(connection.settings_dict["OPTIONS"])
    connection.close()
    connection.settings_dict["OPTIONS"].update(options)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["OPTIONS"].clear()
        connection.settings_dict["OPTIONS"].update(known)


@contextmanager
def the_write_lock_held_elsewhere(*, until: threading.Event) -> Iterator[None]:
    """Hold the write lock on another connection until the event is set."""
    holds = threading.Event()

    def hold() -> None:
        with transaction.atomic():
            WorkerRecord.objects.update(running=0)
            holds.set()
            assert until.wait(SECONDS)

    holder = threading.Thread(target=in_thread(hold))
    holder.start()
    try:
        assert holds.wait(SECONDS)
        yield
    finally:
        until.set()
        holder.join()


def test_claimers_side_by_side_never_take_the_same_job(store: JobStore) -> None:
    store.insert_many([NewJob(handler="h")] * 120)
    workers = [register_worker(store) for _ in range(4)]

    def drain(worker: Any) -> list[int]:
        taken: list[int] = []
        while jobs := claim(store, worker, total=7):
            taken += ids_of(jobs)
        return taken

    answers = side_by_side(*[lambda worker=worker: drain(worker) for worker in workers])
    taken = [job_id for answer in answers for job_id in answer]

    assert len(taken) == len(set(taken)) == 120


def test_of_two_finishes_of_one_claim_one_is_written(store: JobStore) -> None:
    job = claimed(store)
    answers = side_by_side(*[lambda: finish(store, job, JobState.SUCCEEDED)] * 2)

    assert sorted(answers) == [False, True]
    assert ArchivedJob.objects.count() == 1


def test_of_two_enqueues_under_one_key_one_is_created(store: JobStore) -> None:
    def enqueue() -> Any:
        return store.insert(NewJob(handler="h", unique_key="key"))

    answers = side_by_side(*[enqueue] * 4)

    assert sorted(answer.created for answer in answers) == [False, False, False, True]
    assert len({answer.id for answer in answers}) == 1


def test_a_finish_and_a_reaper_side_by_side_leave_one_record(store: JobStore) -> None:
    job = claimed(store, register_worker(store, lease=-LEASE))
    written, rescued = side_by_side(
        lambda: finish(store, job, JobState.SUCCEEDED),
        lambda: bool(store.release_of_dead_workers()[0].job_ids),
    )

    assert written is not rescued
    assert Job.objects.count() + ArchivedJob.objects.count() == 1


@pytest.mark.parametrize("mode", ["IMMEDIATE", "DEFERRED"])
def test_writers_side_by_side_never_hear_of_a_lock(store: JobStore, mode: str) -> None:
    worker = register_worker(store)

    def work(queue: str) -> int:
        for _ in range(15):
            store.insert_many([NewJob(handler="h", queue=queue, unique_key=f"{queue}-key")] * 2)
            [job] = claim(store, worker, queue)
            in_hand = [(job.id, job.claim_token)]
            # It knows nothing of what the others have in hand, however long they wait for the lock.
            late = timedelta(hours=1)
            store.heartbeat(worker, lease=LEASE, in_hand=in_hand.copy, reconcile_after=late)
            assert store.save_progress(job.id, job.claim_token, progress="1")
            assert finish(store, job, JobState.READY)
            [job] = claim(store, worker, queue)
            store.cancel(JobFilter(ids=(job.id,)))
            assert finish(store, job, JobState.READY)
        return store.promote().count

    with options_of_new_connections(transaction_mode=mode, timeout=0.05):
        side_by_side(*[lambda queue=f"q{n}": work(queue) for n in range(6)])

    assert ArchivedJob.objects.count() == 6 * 15


@pytest.mark.parametrize("mode", ["IMMEDIATE", "DEFERRED"])
def test_a_write_is_tried_again_when_its_busy_timeout_is_over(
    store: JobStore, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()
    # A pause between two tries proves that the first was refused; the lock is given up in it.
    monkeypatch.setattr(store, "_wait", lambda seconds: tried.set())
    with (
        options_of_new_connections(transaction_mode=mode, timeout=0),
        the_write_lock_held_elsewhere(until=tried),
    ):
        inserted = store.insert(NewJob(handler="h"))

    assert tried.is_set()
    assert Job.objects.get().pk == inserted.id


def test_a_heartbeat_that_waited_for_its_turn_knows_what_was_claimed_meanwhile(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()
    monkeypatch.setattr(store, "_wait", lambda seconds: waits.set())
    worker, in_hand = register_worker(store), []
    store.insert(NewJob(handler="h"))

    def beat() -> Beat:
        everything = -LEASE  # however short ago it was claimed
        return store.heartbeat(
            worker, lease=LEASE, in_hand=lambda: tuple(in_hand), reconcile_after=everything
        )

    with options_of_new_connections(timeout=0), ThreadPoolExecutor(1) as pool:
        with store.writing():  # type: ignore[attr-defined]
            beating = pool.submit(in_thread(beat))
            assert waits.wait(SECONDS)
            [job] = claim(store, worker)
            in_hand.append((job.id, job.claim_token))

        assert beating.result(SECONDS).released == ()
    assert Job.objects.get().state == JobState.RUNNING


def test_a_write_that_never_gets_its_turn_says_so(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_turns, "PATIENCE_SECONDS", 0.0)
    with (
        options_of_new_connections(timeout=0),
        the_write_lock_held_elsewhere(until=threading.Event()),
        pytest.raises(OperationalError, match="locked"),
    ):
        store.insert(NewJob(handler="h"))

    assert not Job.objects.exists()


@pytest.mark.parametrize("mode", ["IMMEDIATE", "DEFERRED"])
def test_who_waits_for_the_lock_can_be_told_to_give_up(store: JobStore, mode: str) -> None:
    told, waits = threading.Event(), threading.Event()

    def wait(seconds: float) -> bool:
        waits.set()
        return told.wait(seconds)

    def insert() -> object:
        with store.pausing_with(wait):
            return store.insert(NewJob(handler="h"))

    with (
        options_of_new_connections(transaction_mode=mode, timeout=SECONDS),
        the_write_lock_held_elsewhere(until=threading.Event()),
        ThreadPoolExecutor(1) as pool,
    ):
        inserting = pool.submit(in_thread(insert))
        assert waits.wait(SECONDS / 2)
        told.set()
        with pytest.raises(OperationalError, match="locked"):
            inserting.result(SECONDS / 2)


def test_short_tries_leave_the_busy_timeout_as_it_was(store: JobStore) -> None:
    with (
        options_of_new_connections(timeout=7),
        store.pausing_with(lambda seconds: False),
    ):
        store.insert(NewJob(handler="h"))
        with connection.cursor() as cursor:
            assert cursor.execute("PRAGMA busy_timeout").fetchall() == [(7_000,)]


def test_a_deferred_transaction_takes_its_lock_before_it_reads(store: JobStore) -> None:
    """One that has only read is refused once another has written, however long it would wait."""
    job = claimed(store)
    write_elsewhere = in_thread(lambda: WorkerRecord.objects.update(pid=1))
    with (
        options_of_new_connections(transaction_mode="DEFERRED", timeout=0),
        store.writing(),  # type: ignore[attr-defined]
    ):
        with ThreadPoolExecutor(1) as pool, pytest.raises(OperationalError, match="locked"):
            pool.submit(write_elsewhere).result()
        assert finish(store, job, JobState.SUCCEEDED)

    assert ArchivedJob.objects.count() == 1
