"""What every store must do for those who wait for jobs; runs on both databases."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.specs import FinishedJob, JobFilter, NewJob, Retention, Transition
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.models import Job, WaiterRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore
from django_jobqueue.store.watching import JobWatch

from .helpers import LEASE, claim, claimed, finish, make_job, register_worker

#: Only a failing test waits that long.
PATIENCE = 10.0
#: Longer than a test may last.
FOR_EVER = 1_000.0
WEEK = Retention(archive=timedelta(days=7), dead=timedelta(days=90))
ENDS = {
    "success": Transition(state=JobState.SUCCEEDED),
    "success that is not kept": Transition(state=JobState.SUCCEEDED, keep=False),
    "cancellation": Transition(state=JobState.CANCELLED),
    "death": Transition(state=JobState.DEAD, reason=DeathReason.EXHAUSTED),
    "retry": Transition(state=JobState.READY),
}


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.mark.django_db
class TestAttemptsOver:
    def test_an_attempt_is_over_when_it_no_longer_runs(self, store):
        waiting, running = make_job(), make_job(JobState.RUNNING)
        retried = make_job(JobState.SCHEDULED, attempt=1)
        again = make_job(JobState.RUNNING, attempt=2)

        ids = [job.pk for job in (waiting, running, retried, again)]

        assert store.attempts_over(ids) == dict(zip(ids, (0, 0, 1, 1), strict=True))

    def test_what_lives_no_more_is_not_told(self, store):
        final = [make_job(state).pk for state in JobState if state.is_final]
        alive = make_job().pk
        make_job()  # nobody asks for it

        assert store.attempts_over([*final, 2**62, alive]) == {alive: 0}
        assert store.attempts_over([]) == {}


@pytest.mark.postgresql
@pytest.mark.django_db
class TestRows:
    def test_there_is_one_for_each_job_and_waiter_and_it_is_renewed(self, store):
        first, second = uuid4(), uuid4()
        store.keep_waiters(first, [7, 8], lease=timedelta(0))
        store.keep_waiters(second, [8], lease=LEASE)
        before = WaiterRecord.objects.get(job_id=7).lease_expires_at

        store.keep_waiters(first, [8, 7], lease=LEASE)

        rows = WaiterRecord.objects.values_list("job_id", "waiter")
        assert sorted(rows) == sorted([(7, first), (8, first), (8, second)])
        renewed = WaiterRecord.objects.get(job_id=7).lease_expires_at
        assert LEASE <= renewed - before < 2 * LEASE

    def test_who_waits_no_more_takes_its_own_away(self, store):
        first, second = uuid4(), uuid4()
        store.keep_waiters(first, [7, 8, 9], lease=LEASE)
        store.keep_waiters(second, [7], lease=LEASE)

        store.drop_waiters(first, [7, 8, 100])

        rows = WaiterRecord.objects.values_list("job_id", "waiter")
        assert sorted(rows) == [(7, second), (9, first)]

    def test_those_of_waiters_that_are_gone_are_pruned(self, store):
        now = store.database_now()
        store.keep_waiters(uuid4(), [7], lease=LEASE)
        store.keep_waiters(uuid4(), [8], lease=3 * LEASE)

        store.prune(WEEK, now=now + 2 * LEASE, dry_run=True)
        assert WaiterRecord.objects.count() == 2
        store.prune(WEEK, now=now + 2 * LEASE)

        assert [row.job_id for row in WaiterRecord.objects.all()] == [8]


@pytest.fixture
def apart() -> Iterator[JobStore]:
    """The store of a lookout."""
    made = store_for("default").dedicated(prepared=False)
    yield made
    made.close()


@pytest.fixture
def watch(apart: JobStore) -> Iterator[JobWatch]:
    hearing = apart.watch_jobs()
    hearing.start()
    yield hearing
    hearing.close()


@contextmanager
def another_thread(work: Callable[[], object]) -> Iterator[None]:
    """Do the work beside the block, on a connection of its own."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, name="test-another")
    thread.start()
    try:
        yield
    finally:
        thread.join(PATIENCE)


@pytest.mark.django_db(transaction=True)
class TestHearing:
    @pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
    def test_a_finish_is_heard_by_who_waits(self, store, apart, watch, end):
        job = claimed(store)
        apart.keep_waiters(uuid4(), [job.id], lease=LEASE)
        watch.wait(0, among=[job.id])  # what was written up to now

        with another_thread(lambda: store.finish_many([FinishedJob(job, end)])):
            assert list(watch.wait(PATIENCE, among=[job.id])) == [job.id]

    def test_a_waiting_job_that_is_cancelled_is_heard_of_too(self, store, apart, watch):
        job = make_job()
        apart.keep_waiters(uuid4(), [job.pk], lease=LEASE)
        watch.wait(0, among=[job.pk])

        with another_thread(lambda: store.cancel(JobFilter(ids=(job.pk,)))):
            assert list(watch.wait(PATIENCE, among=[job.pk])) == [job.pk]

    def test_a_running_job_that_is_lost_and_cancelled_is_heard_of_too(self, store, apart, watch):
        worker = register_worker(store, lease=timedelta(seconds=-1))
        job = make_job(JobState.RUNNING, worker_id=worker, cancel_requested_at="2026-01-01T00:00Z")
        apart.keep_waiters(uuid4(), [job.pk], lease=LEASE)
        watch.wait(0, among=[job.pk])

        with another_thread(store.release_of_dead_workers):
            assert list(watch.wait(PATIENCE, among=[job.pk])) == [job.pk]

    def test_a_job_that_is_cancelled_with_the_one_before_is_heard_of_too(self, store, apart, watch):
        first, second = store.insert_chain([NewJob(handler="a"), NewJob(handler="b")])
        [job] = claim(store, register_worker(store))
        assert job.id == first.id
        apart.keep_waiters(uuid4(), [second.id], lease=LEASE)
        watch.wait(0, among=[second.id])

        with another_thread(lambda: store.finish_many([FinishedJob(job, ENDS["death"])])):
            assert list(watch.wait(PATIENCE, among=[second.id])) == [second.id]

    @pytest.mark.postgresql
    @pytest.mark.parametrize("how", ["a finish", "a cancellation"])
    def test_who_waits_for_another_job_is_told_nothing(self, store, apart, watch, how):
        first, second = store.insert_chain([NewJob(handler="a"), NewJob(handler="b")])
        other = make_job(queue="other")
        apart.keep_waiters(uuid4(), [second.id, other.pk], lease=LEASE)

        if how == "a finish":
            [job] = claim(store, register_worker(store))
            assert store.finish_many([FinishedJob(job, ENDS["death"])]) == {first.id}
        else:
            store.cancel(JobFilter(ids=(second.id,)))

        assert list(watch.wait(PATIENCE, among=[second.id, other.pk])) == [second.id]
        assert not watch.wait(0, among=[other.pk])

    @pytest.mark.postgresql
    @pytest.mark.parametrize("end", ["success", "death"])
    @pytest.mark.parametrize("places", [(0,), (1, 3), (3,)], ids=str)
    def test_of_a_batch_those_that_are_waited_for_are_told(self, store, apart, watch, end, places):
        other, *ids = (make_job(queue=queue).pk for queue in ["other", *["default"] * 4])
        jobs, waited = claim(store, register_worker(store)), [ids[place] for place in places]
        for by_one in (waited, [waited[-1], other]):
            apart.keep_waiters(uuid4(), by_one, lease=LEASE)
        store.finish_many([FinishedJob(job, ENDS[end]) for job in jobs])

        assert sorted(watch.wait(PATIENCE, among=[other, *ids])) == waited
        assert not watch.wait(0, among=ids)

    @pytest.mark.postgresql
    def test_nothing_is_told_before_the_commit_or_after_a_rollback(self, store, apart, watch):
        job = claimed(store)
        apart.keep_waiters(uuid4(), [job.id], lease=LEASE)

        with transaction.atomic():
            assert finish(store, job, JobState.SUCCEEDED)
            transaction.set_rollback(True)

        assert not watch.wait(0.05, among=[job.id])
        assert finish(store, job, JobState.SUCCEEDED)
        assert watch.wait(PATIENCE, among=[job.id])

    @pytest.mark.postgresql
    def test_a_finish_whose_claim_was_lost_tells_nothing(self, store, apart, watch):
        job = claimed(store)
        apart.keep_waiters(uuid4(), [job.id], lease=LEASE)
        Job.objects.filter(pk=job.id).update(claim_token=uuid4())

        assert not finish(store, job, JobState.SUCCEEDED)

        assert not watch.wait(0.05, among=[job.id])

    @pytest.mark.postgresql
    def test_what_arrives_with_the_answer_to_another_statement_is_heard(self, store, apart, watch):
        job = claimed(store)
        apart.keep_waiters(uuid4(), [job.id], lease=LEASE)
        assert finish(store, job, JobState.SUCCEEDED)

        while not apart.attempts_over([]) and not watch._heard:  # the server sends it when it likes
            pass

        assert list(watch.wait(0, among=[job.id])) == [job.id]

    @pytest.mark.postgresql
    def test_a_text_on_the_channel_that_is_no_id_is_left(self, watch):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify('django_jobqueue_waiters', 'hello')")
            cursor.execute("SELECT pg_notify('django_jobqueue_waiters', '7')")

        heard: set[int] = set()
        while not heard:
            heard |= set(watch.wait(PATIENCE, among=[7]))
        assert heard == {7}

    @pytest.mark.postgresql
    def test_after_a_lost_connection_it_listens_on_the_next(self, store, apart, watch):
        job = claimed(store)
        apart.keep_waiters(uuid4(), [job.id], lease=LEASE)
        apart.session.connection.close()

        watch.start()
        assert finish(store, job, JobState.SUCCEEDED)

        assert list(watch.wait(PATIENCE, among=[job.id])) == [job.id]

    @pytest.mark.sqlite
    def test_a_change_counts_once(self, watch):
        with another_thread(make_job):
            assert list(watch.wait(PATIENCE, among=[7, 8])) == [7, 8]

        assert list(watch.wait(0, among=[7, 8])) == []

    def test_a_call_from_another_thread_ends_the_wait(self, watch):
        with another_thread(watch.wake):
            assert not watch.wait(FOR_EVER, among=[])

    def test_a_call_before_the_wait_ends_it_and_no_other(self, watch):
        watch.wake()
        watch.wake()

        assert not watch.wait(FOR_EVER, among=[])
        began = monotonic()
        assert not watch.wait(0.05, among=[])
        assert monotonic() - began > 0.04

    def test_whoever_calls_does_not_wait_however_many_calls_nobody_hears(self, watch):
        for _ in range(10_000):  # far more than a socket has room for
            watch.wake()

        assert not watch.wait(FOR_EVER, among=[])

    def test_nothing_is_told_of_the_time_before_the_start(self, apart):
        with another_thread(make_job):
            pass
        watch = apart.watch_jobs()
        watch.start()
        try:
            assert not watch.wait(0, among=[7])
        finally:
            watch.close()

    def test_a_second_start_forgets_nothing(self, store, apart, watch):
        job = claimed(store)
        apart.keep_waiters(uuid4(), [job.id], lease=LEASE)
        with another_thread(lambda: store.finish_many([FinishedJob(job, ENDS["success"])])):
            pass

        watch.start()

        assert list(watch.wait(PATIENCE, among=[job.id])) == [job.id]
