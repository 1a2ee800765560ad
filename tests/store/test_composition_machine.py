"""Chains and batches under any order of verbs: nothing that may go on is left behind, and the end
of a batch comes once.
"""

import os
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from django_jobqueue.core.batches import NewBatch
from django_jobqueue.core.specs import FinishedJob, JobFilter, NewJob, Transition
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.models import ArchivedJob, BatchRecord, DeadJob, Job
from django_jobqueue.store import store_for

from .helpers import claim, register_worker

MORE = int(os.environ.get("JOBQUEUE_EXAMPLES", "0"))
GAMES = settings(
    max_examples=MORE or 12,
    stateful_step_count=40,
    derandomize=not MORE,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
ANSWERS = {
    "succeed": Transition(state=JobState.SUCCEEDED, result="1"),
    "retry": Transition(state=JobState.READY),
    "cancel": Transition(state=JobState.CANCELLED),
    "die": Transition(state=JobState.DEAD, reason=DeathReason.DISCARDED),
}
lengths = st.lists(st.integers(1, 3), max_size=3)
on_failures = st.sampled_from(["cancel", "hold"])


def links(length: int, on_failure: str) -> list[NewJob]:
    return [NewJob(handler="link", on_failure=on_failure) for _ in range(length)]


class Composition(RuleBasedStateMachine):
    """One transaction around all of it is rolled back."""

    batches: Bundle[int] = Bundle("batches")

    def __init__(self) -> None:
        super().__init__()
        self._transaction = transaction.atomic()
        self._transaction.__enter__()
        self.store = store_for("default")
        self.worker = register_worker(self.store)
        self.ends: set[int] = set()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._transaction.__exit__(None, None, None)

    @rule(length=st.integers(1, 4), on_failure=on_failures)
    def enqueue_chain(self, length: int, on_failure: str) -> None:
        self.store.insert_chain(links(length, on_failure))

    @rule(target=batches, lengths=lengths, on_failure=on_failures)
    def enqueue_batch(self, lengths: list[int], on_failure: str) -> int:
        return self._batch(NewBatch(on_finish=_end()), lengths, on_failure)

    @rule(target=batches, outer=batches, lengths=lengths, on_failure=on_failures)
    def enqueue_inner_batch(self, outer: int, lengths: list[int], on_failure: str) -> int:
        if self._has_finished(outer):
            return outer
        return self._batch(NewBatch(on_finish=_end(), parent_id=outer), lengths, on_failure)

    def _batch(self, new: NewBatch, lengths: list[int], on_failure: str) -> int:
        members = [links(length, on_failure) for length in lengths]
        return self.store.insert_batch(new, members)[0]

    @rule(batch=batches, lengths=lengths, on_failure=on_failures)
    def add(self, batch: int, lengths: list[int], on_failure: str) -> None:
        if not self._has_finished(batch):
            self.store.insert_members(batch, [links(length, on_failure) for length in lengths])

    @precondition(lambda self: Job.objects.filter(state="ready").exists())
    @rule(answers=st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=4))
    def work(self, answers: list[str]) -> None:
        jobs = claim(self.store, self.worker, total=len(answers))
        done = [
            FinishedJob(job, ANSWERS[answer]) for job, answer in zip(jobs, answers, strict=False)
        ]
        assert self.store.finish_many(done) == {job.id for job in jobs}

    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        self._steer(data, Job, self.store.cancel)

    @rule(data=st.data())
    def requeue(self, data: Any) -> None:
        model = data.draw(st.sampled_from([DeadJob, ArchivedJob]))
        self._steer(data, model, self.store.requeue)

    @rule(data=st.data())
    def discard(self, data: Any) -> None:
        self._steer(data, DeadJob, self.store.discard_dead)

    def _steer(self, data: Any, model: Any, verb: Any) -> None:
        ids = list(model.objects.order_by("id").values_list("id", flat=True))
        if ids:
            verb(JobFilter(ids=(data.draw(st.sampled_from(ids)),)))

    def _has_finished(self, batch: int) -> bool:
        return BatchRecord.objects.get(pk=batch).finished_at is not None

    @invariant()
    def who_waits_waits_for_somebody(self) -> None:
        live = set(Job.objects.values_list("id", flat=True))
        for job in Job.objects.filter(state=JobState.BLOCKED):
            assert job.waits_for in live or job.on_failure == "hold"
            if job.waits_for not in live:
                assert not ArchivedJob.objects.filter(pk=job.waits_for, state="succeeded").exists()
            else:
                assert Job.objects.get(pk=job.waits_for).has_next

    @invariant()
    def a_batch_has_finished_if_nothing_of_it_lives(self) -> None:
        for batch in BatchRecord.objects.all():
            parts = BatchRecord.objects.filter(parent_id=batch.pk, finished_at__isnull=True)
            has_live_members = Job.objects.filter(batch_id=batch.pk).exists()
            if batch.finished_at is None:
                assert has_live_members or parts.exists()
            else:
                assert not has_live_members

    @invariant()
    def each_end_came_once(self) -> None:
        told = BatchRecord.objects.filter(finish_enqueued=True).count()
        kept = [
            model.objects.filter(handler="end", requeued_from__isnull=True)  # type: ignore[attr-defined]
            for model in (Job, ArchivedJob, DeadJob)
        ]
        ids = {one.pk for rows in kept for one in rows}
        self.ends |= ids
        assert len(self.ends) == told

    @invariant()
    def a_sweep_finds_nothing_left(self) -> None:
        assert self.store.sweep_waiting().followed == ()
        assert self.store.sweep_batches().queues == ()


def _end() -> NewJob:
    return NewJob(handler="end")


@pytest.mark.django_db
@pytest.mark.timeout(600 + 5 * MORE)
def test_any_order_of_verbs_leaves_nobody_behind_and_ends_every_batch_once() -> None:
    run_state_machine_as_test(Composition, settings=GAMES)  # type: ignore[no-untyped-call]
