"""Any order of the verbs of a store, played on a real database and on a dictionary at once."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
)

from django_jobqueue.core.backoff import Constant
from django_jobqueue.core.errors import UniqueConflict
from django_jobqueue.core.outcomes import Cancel, Discard, Outcome, Release, Retry, Snooze, Succeed
from django_jobqueue.core.specs import ClaimedJob, FinishedJob, Inserted, NewJob, WantedJobs
from django_jobqueue.core.states import WorkerState
from django_jobqueue.core.transitions import decide
from django_jobqueue.models import WorkerRecord
from django_jobqueue.store import store_for

from .helpers import LEASE, quarantine_of, register_worker
from .state_machine_model import ModelJob, ModelStore
from .state_machine_rows import line_of

HOUR = timedelta(hours=1)
NO_WAIT = Constant(0)
#: What a run answers, and whether the record of its success is kept.
ANSWERS: dict[str, tuple[Outcome, bool]] = {
    "succeed": (Succeed(), True),
    "succeed and forget": (Succeed(), False),
    "retry": (Retry("again"), True),
    "retry later": (Retry("again", delay=HOUR), True),
    "snooze": (Snooze(delay=2 * HOUR), True),
    "release": (Release("shutdown"), True),
    "cancel": (Cancel("no need"), True),
    "discard": (Discard("no use"), True),
}

queues = st.sampled_from(["a", "b"])
answers = st.sampled_from(sorted(ANSWERS))
keys = st.sampled_from(["k", "l"])
priorities = st.sampled_from([-5, 0, 5])
#: Mostly now, or there would be little to claim.
hours_ahead = st.sampled_from([0, 0, 0, 1, 3])


def there_is_a_claim(machine: "Running") -> bool:
    """Whatever draws a list from a bundle must ask first: from an empty one, the game is over."""
    return bool(machine.bundle("claims"))


class Running(RuleBasedStateMachine):
    """What producers, workers and reapers do. One transaction around all of it is rolled back."""

    jobs: Bundle[int] = Bundle("jobs")
    claims: Bundle[ClaimedJob] = Bundle("claims")
    workers: Bundle[UUID] = Bundle("workers")

    def __init__(self) -> None:
        super().__init__()
        self._transaction = transaction.atomic()
        self._transaction.__enter__()
        self.store, self.model = store_for("default"), ModelStore()
        self.now = self.store.database_now()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._transaction.__exit__(None, None, None)

    # Producers.

    @rule(
        target=jobs,
        queue=queues,
        priority=priorities,
        hours=hours_ahead,
        max_attempts=st.integers(1, 3),
    )
    def enqueue(self, queue: str, priority: int, hours: int, max_attempts: int) -> int:
        facts: dict[str, Any] = {"queue": queue, "priority": priority, "max_attempts": max_attempts}
        inserted = self.store.insert(_new(hours, **facts))
        assert inserted.created
        self.model.add(ModelJob(id=inserted.id, **facts), hours=hours)
        return inserted.id

    @rule(
        target=jobs,
        queue=queues,
        key=keys,
        hours=hours_ahead,
        priority=priorities,
        unique_while=st.sampled_from(["live", "waiting"]),
        on_conflict=st.sampled_from(["skip", "raise", "replace"]),
    )
    def enqueue_unique(
        self, key: str, hours: int, priority: int, on_conflict: str, **facts: Any
    ) -> Any:
        holder = self.model.holder_of(key)
        facts |= {"unique_key": key, "priority": priority}
        new = _new(hours, on_conflict=on_conflict, **facts)
        if holder is None:
            inserted = self.store.insert(new)
            assert inserted.created
            self.model.add(ModelJob(id=inserted.id, **facts), hours=hours)
            return inserted.id
        if on_conflict == "raise":
            with pytest.raises(UniqueConflict) as caught:
                self.store.insert(new)
            assert caught.value.job_id == holder.id
            return multiple()
        replaces = on_conflict == "replace"
        replaced = replaces and self.model.replace(holder, priority=priority, hours=hours)
        answer = Inserted(id=holder.id, created=False, replaced=replaced)
        assert self.store.insert(new) == answer
        return multiple()

    @rule(target=jobs, wanted=st.lists(st.one_of(st.none(), keys), max_size=4), queue=queues)
    def enqueue_many(self, wanted: list[str | None], queue: str) -> Any:
        answers = self.store.insert_many([_new(0, queue=queue, unique_key=key) for key in wanted])
        for key, inserted in zip(wanted, answers, strict=True):
            holder = self.model.holder_of(key)
            assert inserted.created == (holder is None)
            if holder is None:
                self.model.add(ModelJob(id=inserted.id, queue=queue, unique_key=key))
            else:
                assert inserted.id == holder.id
        return multiple(*(one.id for one in answers if one.created))

    # Workers.

    @initialize(target=workers)
    def two_workers(self) -> Any:
        return multiple(self._register(), self._register())

    @initialize(target=jobs)
    def some_work(self) -> Any:
        answers = self.store.insert_many([_new(0, queue=queue) for queue in "aabb"])
        for queue, inserted in zip("aabb", answers, strict=True):
            self.model.add(ModelJob(id=inserted.id, queue=queue))
        return multiple(*(one.id for one in answers))

    @rule(
        target=claims,
        worker=workers,
        order=st.sampled_from([("a",), ("b",), ("a", "b"), ("b", "a")]),
        limit=st.integers(1, 3),
        total=st.integers(1, 4),
        suspects=st.booleans(),
    )
    def claim(self, worker: UUID, order: Sequence[str], **how: Any) -> Any:
        return multiple(*self._claim(worker, order=order, **how))

    @rule(target=claims, worker=workers, queue=queues, answer=answers, suspects=st.booleans())
    def run_one(self, worker: UUID, queue: str, answer: str, suspects: bool) -> Any:
        claimed = self._claim(worker, order=[queue], limit=1, total=1, suspects=suspects)
        self._finish([(claim, answer) for claim in claimed])
        return multiple(*claimed)

    @rule(target=claims, queue=queues, suspects=st.booleans())
    def die_amid_a_run(self, queue: str, suspects: bool) -> Any:
        worker = self._register()
        claimed = self._claim(worker, order=[queue], limit=1, total=1, suspects=suspects)
        self._lapse(worker)
        self.reap()
        return multiple(*claimed)

    def _claim(
        self, worker: UUID, *, order: Sequence[str], limit: int, total: int, suspects: bool
    ) -> list[ClaimedJob]:
        expected: list[int] = []
        if self.model.may_claim(worker):
            for queue in order:
                expected += [] if queue in self.model.paused else line_of(queue, suspects)[:limit]
        token = uuid4()
        claimed = (quarantine_of(self.store) if suspects else self.store).claim(
            worker_id=worker,
            token=token,
            wanted=[WantedJobs(queue, limit) for queue in order],
            total=total,
        )
        assert [job.id for job in claimed] == expected[:total]
        self.model.claim(claimed, worker=worker, token=token)
        for one in claimed:
            job = self.model.jobs[one.id]
            assert (one.attempt, one.rescues) == (job.attempt, job.rescues)
            assert one.reprocess_count == job.reprocess_count
            assert (one.claim_token, one.worker_id) == (token, worker)
        return claimed

    @precondition(there_is_a_claim)
    @rule(
        reports=st.lists(
            st.tuples(claims, answers),
            min_size=1,
            max_size=3,
            unique_by=lambda report: report[0].id,
        )
    )
    def finish(self, reports: list[tuple[ClaimedJob, str]]) -> None:
        """Of any claim that there ever was, so many of these come late."""
        self._finish(reports)

    def _finish(self, reports: Sequence[tuple[ClaimedJob, str]]) -> None:
        finished = []
        for claim, answer in reports:
            outcome, keep = ANSWERS[answer]
            finished.append(FinishedJob(claim, decide(claim, outcome, NO_WAIT, keep=keep)))
        held = self.store.finish_many(finished)
        assert held == {claim.id for claim, answer in reports if self.model.finish(claim, answer)}

    @precondition(there_is_a_claim)
    @rule(asked=st.lists(claims, max_size=5))
    def ask_for_earlier_commits(self, asked: list[ClaimedJob]) -> None:
        pairs = [(claim.id, claim.claim_token) for claim in asked]
        assert self.store.written_under(pairs) == self.model.written_under(asked)

    @precondition(there_is_a_claim)
    @rule(worker=workers, known=st.lists(claims, max_size=3))
    def heartbeat(self, worker: UUID, known: list[ClaimedJob]) -> None:
        """A worker that knows of some of its claims only: the answers to the others were lost."""
        asked = sorted(job.id for job in self.model.held_by(worker) if job.cancel_requested)
        beat = self.store.heartbeat(
            worker,
            lease=LEASE,
            in_hand=lambda: [(claim.id, claim.claim_token) for claim in known],
            reconcile_after=-HOUR,
        )
        assert beat.alive == self.model.may_claim(worker)
        if beat.alive:
            self.model.lapsed.discard(worker)
            assert set(beat.released) == self.model.give_back(worker, but=known)
            assert sorted(beat.cancel_requested) == asked

    @rule(
        target=workers,
        worker=workers,
        how=st.sampled_from(["says good-bye", "lapses", "lapses", "loses its row"]),
    )
    def end_worker(self, worker: UUID, how: str) -> UUID:
        """One goes, in some way or other, and one comes."""
        if how == "says good-bye":
            self._say_good_bye(worker)
        elif how == "lapses":
            self._lapse(worker)
        else:
            WorkerRecord.objects.filter(pk=worker).delete()
            self.model.workers.pop(worker, None)
            self.model.lapsed.discard(worker)
        return self._register()

    def _register(self) -> UUID:
        worker = register_worker(self.store)
        self.model.workers[worker] = WorkerState.ALIVE
        return worker

    def _say_good_bye(self, worker: UUID) -> None:
        self.store.deregister_worker(worker)
        if self.model.may_claim(worker):
            self.model.workers[worker] = WorkerState.STOPPED
            self.model.lapsed.discard(worker)
        self.model.give_back(worker)

    def _lapse(self, worker: UUID) -> None:
        """A heartbeat whose lease is over as soon as it is written."""
        held = [(job.id, job.token) for job in self.model.held_by(worker)]
        beat = self.store.heartbeat(worker, lease=-HOUR, in_hand=lambda: held)
        assert beat.alive == self.model.may_claim(worker)
        if beat.alive:
            self.model.lapsed.add(worker)

    @precondition(lambda self: self.model.has_something_to_reap())
    @rule()
    def reap(self) -> None:
        lapsed = set(self.model.lapsed)
        answer = self.store.release_of_dead_workers()
        assert lapsed <= {one.worker_id for one in answer}
        assert {job_id for one in answer for job_id in one.job_ids} == self.model.reap()
        assert self.store.release_of_dead_workers() == []

    @rule(hours=hours_ahead)
    def promote(self, hours: int) -> None:
        moment = self.now + hours * HOUR + HOUR / 2
        assert self.store.promote(now=moment).count == self.model.promote(hours=hours)


def _new(hours: int, **facts: Any) -> NewJob:
    return NewJob(handler="tests.handler", delay=hours * HOUR.total_seconds(), **facts)
