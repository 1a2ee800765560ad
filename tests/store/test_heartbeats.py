"""What a heartbeat finds and tells: its worker's own claims, and of those the unknown ones."""

from datetime import timedelta
from itertools import count
from uuid import UUID, uuid4

import pytest

from django_jobqueue.core.specs import Beat, ClaimedJob, JobFilter
from django_jobqueue.core.states import JobState, WorkerState
from django_jobqueue.models import Job, WorkerRecord
from django_jobqueue.store import postgresql_workers, store_for
from django_jobqueue.store.base import JobStore

from .helpers import LEASE, claim, claimed, make_job, register_worker

pytestmark = pytest.mark.django_db

AT_ONCE = -timedelta(minutes=1)
#: A worker with nothing in hand may be done with one look.
idle_and_busy = pytest.mark.parametrize("in_hand", [[], [(1, uuid4())]], ids=["idle", "busy"])


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def worker(store: JobStore) -> UUID:
    return register_worker(store)


def states_of(store: JobStore, *jobs: ClaimedJob) -> list[JobState]:
    found = [store.find(job.id) for job in jobs]
    return [one.state for one in found if one is not None]


def two_of_one_claim(store: JobStore, worker: UUID) -> tuple[ClaimedJob, ClaimedJob]:
    make_job(), make_job()
    first, second = claim(store, worker)
    return first, second


def cancel(store: JobStore, *jobs: ClaimedJob) -> None:
    store.cancel(JobFilter(ids=tuple(job.id for job in jobs)))


class TestHeartbeats:
    def test_of_two_jobs_under_one_token_the_unknown_one_is_given_back(
        self, store: JobStore, worker: UUID
    ) -> None:
        known, unknown = two_of_one_claim(store, worker)
        in_hand = [(known.id, known.claim_token)]
        beat = store.heartbeat(
            worker, lease=LEASE, in_hand=lambda: in_hand, reconcile_after=AT_ONCE
        )

        assert beat.released == (unknown.id,)
        assert states_of(store, known, unknown) == [JobState.RUNNING, JobState.READY]

    @idle_and_busy
    def test_that_of_a_worker_whose_row_is_lost_leaves_its_jobs_to_the_reaper(
        self, store: JobStore, worker: UUID, in_hand: list[tuple[int, UUID]]
    ) -> None:
        register_worker(store)  # another one lives
        wanted, unwanted = two_of_one_claim(store, worker)
        cancel(store, unwanted)
        WorkerRecord.objects.filter(pk=worker).delete()

        beat = store.heartbeat(worker, lease=LEASE, in_hand=in_hand.copy, reconcile_after=AT_ONCE)

        assert beat == Beat(alive=False)
        assert states_of(store, wanted, unwanted) == [JobState.RUNNING] * 2
        [rescued] = store.release_of_dead_workers()
        assert (rescued.worker_id, rescued.job_ids) == (worker, (wanted.id,))

    @idle_and_busy
    def test_that_of_a_worker_that_was_declared_dead_gives_nothing_back(
        self, store: JobStore, worker: UUID, in_hand: list[tuple[int, UUID]]
    ) -> None:
        job = claimed(store, worker)
        WorkerRecord.objects.filter(pk=worker).update(state=WorkerState.DEAD)

        beat = store.heartbeat(worker, lease=LEASE, in_hand=in_hand.copy, reconcile_after=AT_ONCE)

        assert beat == Beat(alive=False)
        assert states_of(store, job) == [JobState.RUNNING]

    def test_of_two_to_be_cancelled_the_one_in_hand_is_left_to_its_run(
        self, store: JobStore, worker: UUID
    ) -> None:
        known, unknown = two_of_one_claim(store, worker)
        cancel(store, known, unknown)
        in_hand = [(known.id, known.claim_token)]
        beat = store.heartbeat(
            worker, lease=LEASE, in_hand=lambda: in_hand, reconcile_after=AT_ONCE
        )

        assert beat.released == (unknown.id,)
        assert states_of(store, known, unknown) == [JobState.RUNNING, JobState.CANCELLED]

    def test_a_job_to_be_cancelled_is_unknown_under_another_token(
        self, store: JobStore, worker: UUID
    ) -> None:
        job = claimed(store, worker)
        cancel(store, job)
        in_hand = [(job.id, uuid4())]
        beat = store.heartbeat(
            worker, lease=LEASE, in_hand=lambda: in_hand, reconcile_after=AT_ONCE
        )

        assert beat.released == (job.id,)
        assert states_of(store, job) == [JobState.CANCELLED]

    @idle_and_busy
    def test_what_other_workers_run_or_are_to_cancel_is_left_to_them(
        self, store: JobStore, worker: UUID, in_hand: list[tuple[int, UUID]]
    ) -> None:
        wanted, unwanted = two_of_one_claim(store, register_worker(store))
        cancel(store, unwanted)
        beat = store.heartbeat(worker, lease=LEASE, in_hand=in_hand.copy, reconcile_after=AT_ONCE)

        assert (beat.cancel_requested, beat.released) == ((), ())
        assert states_of(store, wanted, unwanted) == [JobState.RUNNING] * 2

    @pytest.mark.postgresql
    def test_an_idle_one_is_done_with_one_look_while_others_run_jobs(
        self, store: JobStore, worker: UUID
    ) -> None:
        claimed(store)
        looks: list[str] = []

        def in_hand() -> list[tuple[int, UUID]]:
            looks.append("asked what is in hand")
            return []

        store.heartbeat(worker, lease=LEASE, in_hand=in_hand)
        assert len(looks) == 1
        claimed(store, worker)
        store.heartbeat(worker, lease=LEASE, in_hand=in_hand)
        assert len(looks) == 3

    def test_only_what_is_to_be_cancelled_is_told(self, store: JobStore, worker: UUID) -> None:
        _, unwanted = two_of_one_claim(store, worker)
        cancel(store, unwanted)

        assert store.heartbeat(worker, lease=LEASE).cancel_requested == (unwanted.id,)

    def test_a_claim_on_its_way_is_left_alone_though_it_is_to_be_cancelled(
        self, store: JobStore, worker: UUID
    ) -> None:
        job = claimed(store, worker)
        cancel(store, job)

        assert store.heartbeat(worker, lease=LEASE).released == ()
        assert states_of(store, job) == [JobState.RUNNING]

    def test_the_row_says_when_it_beat_last_and_how_much_is_in_hand(
        self, store: JobStore, worker: UUID
    ) -> None:
        rows = WorkerRecord.objects.filter(pk=worker)
        registered = rows.get().heartbeat_at
        rows.update(heartbeat_at=registered - timedelta(hours=1))
        in_hand = [(n, uuid4()) for n in range(3)]
        store.heartbeat(worker, lease=LEASE, in_hand=lambda: in_hand)

        row = rows.get()
        assert row.heartbeat_at >= registered
        assert row.running == 3

    def test_a_worker_that_has_just_come_runs_nothing(self, store: JobStore, worker: UUID) -> None:
        row = WorkerRecord.objects.get(pk=worker)

        assert (row.running, row.state, row.ended_at) == (0, WorkerState.ALIVE, None)
        assert row.started_at <= row.heartbeat_at < row.lease_expires_at

    def test_it_renews_its_own_lease_alone(self, store: JobStore, worker: UUID) -> None:
        lapsed = register_worker(store, lease=-LEASE)
        store.heartbeat(worker, lease=LEASE)

        assert [one.worker_id for one in store.release_of_dead_workers()] == [lapsed]


@pytest.mark.postgresql
class TestWhereTheyGoOn:
    """From where the one before has looked up to."""

    def test_what_was_claimed_before_it_is_to_look_is_left(
        self, store: JobStore, worker: UUID
    ) -> None:
        before, unwanted = two_of_one_claim(store, worker)
        cancel(store, unwanted)
        since = max(before.claimed_at, unwanted.claimed_at) + timedelta(microseconds=1)
        after = claimed(store, worker)
        facts = {"lease": LEASE, "reconcile_after": AT_ONCE}

        for in_hand in ([], [(1, uuid4())]):
            beat = store.heartbeat(worker, **facts, in_hand=in_hand.copy, since=since)

            assert beat.cancel_requested == ()
            assert beat.released == (() if in_hand else (after.id,))
        assert store.heartbeat(worker, **facts).released == (before.id, unwanted.id)

    @idle_and_busy
    @pytest.mark.parametrize("is_unwanted", [False, True])
    def test_what_was_claimed_at_the_very_moment_from_which_it_looks_is_found(
        self,
        store: JobStore,
        worker: UUID,
        in_hand: list[tuple[int, UUID]],
        is_unwanted: bool,
    ) -> None:
        job = claimed(store, worker)
        if is_unwanted:
            cancel(store, job)

        beat = store.heartbeat(
            worker,
            lease=LEASE,
            in_hand=in_hand.copy,
            reconcile_after=AT_ONCE,
            since=job.claimed_at,
        )

        assert beat.released == (job.id,)
        assert beat.cancel_requested == ((job.id,) if is_unwanted else ())

    def test_of_what_it_holds_from_before_the_requests_to_cancel_are_told(
        self, store: JobStore, worker: UUID
    ) -> None:
        others = claimed(store)
        wanted, unwanted = two_of_one_claim(store, worker)
        cancel(store, unwanted, others)
        in_hand = [(job.id, job.claim_token) for job in (wanted, unwanted, others)]
        since = unwanted.claimed_at + timedelta(minutes=1)

        beat = store.heartbeat(worker, lease=LEASE, in_hand=lambda: in_hand, since=since)

        assert beat.cancel_requested == (unwanted.id,)

    @idle_and_busy
    def test_what_one_left_as_too_new_is_found_by_the_next_that_goes_on_from_there(
        self, store: JobStore, worker: UUID, in_hand: list[tuple[int, UUID]]
    ) -> None:
        unknown = claimed(store, worker)
        first = store.heartbeat(worker, lease=LEASE, in_hand=in_hand.copy)
        assert (first.released, unknown.claimed_at >= (first.up_to or LEASE)) == ((), True)

        second = store.heartbeat(
            worker,
            lease=LEASE,
            in_hand=in_hand.copy,
            reconcile_after=AT_ONCE,
            since=first.up_to,
        )

        assert second.released == (unknown.id,)


@pytest.mark.postgresql
def test_no_claim_is_unknown_for_the_time_that_the_beat_itself_has_waited(
    store: JobStore, worker: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = claimed(store, worker)
    Job.objects.update(claimed_at=store.database_now() - timedelta(seconds=60))
    facts = {"lease": LEASE, "reconcile_after": timedelta(seconds=30)}

    with monkeypatch.context() as slow:
        slow.setattr(postgresql_workers, "monotonic", count(0, 60).__next__)
        assert store.heartbeat(worker, **facts).released == ()

    assert store.heartbeat(worker, **facts).released == (job.id,)
