"""A worker that leaves or dies: its own claims are meant, and those of nobody else."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from django_jobqueue.core.limits import Limits
from django_jobqueue.core.specs import ClaimedJob, JobFilter
from django_jobqueue.core.states import JobState, WorkerState
from django_jobqueue.models import WorkerRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import LEASE, claim, claimed, make_job, register_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def worker(store: JobStore) -> UUID:
    return register_worker(store)


def states_of(store: JobStore, *jobs: ClaimedJob) -> list[JobState]:
    found = [store.find(job.id) for job in jobs]
    return [one.state for one in found if one is not None]


def cancel(store: JobStore, *jobs: ClaimedJob) -> None:
    store.cancel(JobFilter(ids=tuple(job.id for job in jobs)))


class TestEnds:
    @pytest.mark.parametrize("verb", ["deregister_worker", "release_of_worker"])
    def test_what_other_workers_are_to_cancel_is_left_to_them(
        self, store: JobStore, worker: UUID, verb: str
    ) -> None:
        mine, others = claimed(store, worker), claimed(store)
        cancel(store, mine, others)
        if verb == "deregister_worker":
            store.deregister_worker(worker)
        else:
            store.release_of_worker(worker, started=None, cause="killed")

        assert states_of(store, mine, others) == [JobState.CANCELLED, JobState.RUNNING]

    def test_a_good_bye_after_the_death_changes_nothing(
        self, store: JobStore, worker: UUID
    ) -> None:
        store.release_of_worker(worker, started=None, cause="killed")
        before = WorkerRecord.objects.get(pk=worker)
        store.deregister_worker(worker)

        after = WorkerRecord.objects.get(pk=worker)
        assert (after.state, after.ended_at) == (WorkerState.DEAD, before.ended_at)

    def test_a_death_after_the_good_bye_changes_nothing(
        self, store: JobStore, worker: UUID
    ) -> None:
        store.deregister_worker(worker)
        before = WorkerRecord.objects.get(pk=worker)
        store.release_of_worker(worker, started=None, cause="killed")

        after = WorkerRecord.objects.get(pk=worker)
        assert (after.state, after.ended_at) == (WorkerState.STOPPED, before.ended_at)

    @pytest.mark.parametrize("limits", [None, Limits()], ids=["without limits", "within limits"])
    def test_a_worker_that_is_gone_takes_nothing_though_another_lives(
        self, store: JobStore, worker: UUID, limits: Limits | None
    ) -> None:
        living = register_worker(store)
        job = make_job()
        store.release_of_worker(worker, started=[], cause="killed")

        assert claim(store, worker, limits=limits) == []
        assert claim(store, uuid4(), limits=limits) == []
        assert [one.id for one in claim(store, living, limits=limits)] == [job.pk]

    def test_a_good_bye_is_of_one_worker(self, store: JobStore, worker: UUID) -> None:
        other = register_worker(store)
        store.deregister_worker(worker)

        assert WorkerRecord.objects.get(pk=other).state == WorkerState.ALIVE
        assert WorkerRecord.objects.get(pk=other).ended_at is None

    @pytest.mark.parametrize("verb", ["deregister_worker", "release_of_worker"])
    def test_a_worker_that_has_ended_runs_nothing(
        self, store: JobStore, worker: UUID, verb: str
    ) -> None:
        store.heartbeat(worker, lease=LEASE, in_hand=lambda: [(1, uuid4())])
        if verb == "deregister_worker":
            store.deregister_worker(worker)
        else:
            store.release_of_worker(worker, started=None, cause="killed")

        row = WorkerRecord.objects.get(pk=worker)
        assert row.running == 0
        assert row.ended_at is not None

    def test_no_rescue_takes_more_than_its_limit_and_the_first_come_first(
        self, store: JobStore
    ) -> None:
        worker = register_worker(store, lease=-LEASE)
        ids = [make_job().pk for _ in range(3)]
        claim(store, worker)

        rescued = [one.job_ids for one in store.release_of_dead_workers(limit=2)]
        assert rescued == [tuple(ids[:2]), tuple(ids[2:])]

    def test_jobs_of_several_workers_that_are_nowhere_are_all_rescued(
        self, store: JobStore
    ) -> None:
        jobs = [claimed(store) for _ in range(3)]
        WorkerRecord.objects.all().delete()

        rescued = [(one.worker_id, one.job_ids) for one in store.release_of_dead_workers()]
        assert sorted(rescued) == sorted((job.worker_id, (job.id,)) for job in jobs)

    def test_who_lapsed_first_is_rescued_first(self, store: JobStore) -> None:
        ago = [1, 3, 2]
        workers = {one: register_worker(store, lease=-timedelta(hours=one)) for one in ago}

        rescued = [one.worker_id for one in store.release_of_dead_workers()]
        assert rescued == [workers[3], workers[2], workers[1]]
