"""Chains that wait for a job that did not succeed, and those that no finish has followed."""

from typing import Any
from uuid import UUID

import pytest

from django_jobqueue.core.following import Swept
from django_jobqueue.core.specs import JobFilter, Retention
from django_jobqueue.core.states import JobState
from django_jobqueue.models import DeadJob, Job
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .chains import DEAD, HOUR, chained, message_of, state_of, states
from .helpers import claim, finish, make_job, register_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def worker(store: JobStore) -> UUID:
    return register_worker(store)


class TestHolding:
    @pytest.fixture
    def held(self, store: JobStore, worker: UUID) -> list[int]:
        """A chain whose first job is dead, and the others wait."""
        ids = chained(store, on_failure="hold")
        [job] = claim(store, worker)
        finish(store, job, **DEAD)
        assert states(store, ids) == [JobState.DEAD, JobState.BLOCKED, JobState.BLOCKED]
        return ids

    def test_a_dead_job_that_is_requeued_lets_the_chain_go_on(
        self, store: JobStore, worker: UUID, held: list[int]
    ) -> None:
        store.requeue(JobFilter(ids=(held[0],)))
        [job] = claim(store, worker)
        finish(store, job, JobState.SUCCEEDED)

        assert states(store, held) == [JobState.SUCCEEDED, JobState.READY, JobState.BLOCKED]

    def test_so_does_the_copy_of_a_cancelled_one(self, store: JobStore, worker: UUID) -> None:
        ids = chained(store, on_failure="hold")
        store.cancel(JobFilter(ids=(ids[0],)))
        assert state_of(store, ids[1]) is JobState.BLOCKED

        [copy], _ = store.requeue(JobFilter(ids=(ids[0],)))
        [job] = claim(store, worker)
        finish(store, job, JobState.SUCCEEDED)

        assert job.id == copy
        assert state_of(store, ids[1]) is JobState.READY

    def test_the_copy_of_a_job_that_nobody_waits_for_is_plain(
        self, store: JobStore, worker: UUID
    ) -> None:
        record = make_job(JobState.SUCCEEDED)
        [copy], _ = store.requeue(JobFilter(ids=(record.pk,)))

        assert not Job.objects.get(pk=copy).has_next

    def test_a_sweep_leaves_them(self, store: JobStore, held: list[int]) -> None:
        assert store.sweep_waiting() == Swept()
        assert state_of(store, held[1]) is JobState.BLOCKED

    def test_a_dead_job_that_is_discarded_lets_nobody_hold(
        self, store: JobStore, held: list[int]
    ) -> None:
        store.discard_dead(JobFilter(ids=(held[0],)))

        assert states(store, held[1:]) == [JobState.CANCELLED, JobState.CANCELLED]
        assert message_of(held[2]) == f"job {held[0]}, which it waited for, is gone"


class TestSweeping:
    def test_nothing_is_done_for_those_whose_time_has_not_come(self, store: JobStore) -> None:
        chained(store)

        assert store.sweep_waiting() == Swept()

    @pytest.mark.parametrize(
        ("state", "wanted"),
        [
            (JobState.SUCCEEDED, JobState.READY),
            (JobState.CANCELLED, JobState.CANCELLED),
            (JobState.DEAD, JobState.CANCELLED),
        ],
    )
    def test_what_no_finish_has_followed_is_followed(
        self, store: JobStore, state: JobState, wanted: JobState
    ) -> None:
        ended = make_job(state)
        waiting = make_job(JobState.BLOCKED, waits_for=ended.pk)

        [followed] = store.sweep_waiting().followed

        assert (followed.id, followed.state) == (waiting.pk, wanted)
        assert state_of(store, waiting.pk) is wanted
        assert store.sweep_waiting() == Swept()

    def test_a_record_that_is_gone_did_not_succeed(self, store: JobStore) -> None:
        ended = make_job(JobState.SUCCEEDED)
        waiting = make_job(JobState.BLOCKED, waits_for=ended.pk)
        ended.delete()

        store.sweep_waiting()

        assert state_of(store, waiting.pk) is JobState.CANCELLED

    def test_a_stretch_is_bounded_and_the_next_goes_on_from_there(self, store: JobStore) -> None:
        chained(store, 3)
        ended = make_job(JobState.SUCCEEDED)
        waiting = make_job(JobState.BLOCKED, waits_for=ended.pk)

        first = store.sweep_waiting(limit=2)
        second = store.sweep_waiting(after=first.up_to, limit=2)

        assert (first.followed, second.up_to) == ((), 0)
        assert [one.id for one in second.followed] == [waiting.pk]

    def test_a_stretch_is_in_the_order_of_what_is_waited_for(self, store: JobStore) -> None:
        first, second = make_job(JobState.SUCCEEDED), make_job(JobState.SUCCEEDED)
        make_job(JobState.BLOCKED, waits_for=second.pk)
        waiting = make_job(JobState.BLOCKED, waits_for=first.pk)

        swept = store.sweep_waiting(limit=1)

        assert ([one.id for one in swept.followed], swept.up_to) == ([waiting.pk], first.pk)

    def test_what_a_limit_blocks_is_left_to_it(self, store: JobStore) -> None:
        ended = make_job(JobState.SUCCEEDED)
        refused = make_job(JobState.BLOCKED, waits_for=ended.pk, blocked_by="handler:a")

        assert store.sweep_waiting() == Swept()
        assert store.follow([ended.pk]) == []
        assert state_of(store, refused.pk) is JobState.BLOCKED

    @pytest.mark.parametrize(
        "facts",
        [{"state": JobState.READY}, {"state": JobState.BLOCKED, "blocked_by": "handler:a"}],
        ids=["it has gone on", "a limit blocks it"],
    )
    def test_who_waits_for_nothing_that_could_end_takes_no_part_of_a_stretch(
        self, store: JobStore, facts: dict[str, Any]
    ) -> None:
        ended = make_job(JobState.SUCCEEDED)
        make_job(**facts, waits_for=ended.pk)

        assert store.sweep_waiting(limit=1) == Swept()

    def test_the_record_of_a_held_chain_is_pruned_and_then_nothing_holds(
        self, store: JobStore, worker: UUID
    ) -> None:
        ids = chained(store, on_failure="hold")
        [job] = claim(store, worker)
        finish(store, job, **DEAD)
        store.prune(Retention(archive=HOUR, dead=HOUR), now=store.database_now() + 2 * HOUR)
        assert not DeadJob.objects.exists()

        store.sweep_waiting()

        assert state_of(store, ids[1]) is JobState.CANCELLED
