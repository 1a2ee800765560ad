"""The pump while the database fails: before a commit, after one, or because of a single row."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import DataError, OperationalError

from django_jobqueue import JobState
from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.specs import FinishedJob, Transition
from django_jobqueue.core.states import DeathReason
from django_jobqueue.models import ArchivedJob, DeadJob, Job
from django_jobqueue.service import StopSender
from django_jobqueue.store import store_for

from .bench import Bench

pytestmark = pytest.mark.django_db

GONE = OperationalError("server closed the connection unexpectedly")


def failing_store() -> Any:
    """The real store, whose next calls a test can have fail: `before` they do anything, or `after`
    their commit, when only the answer is lost.
    """
    real = store_for("default")

    class Failing(type(real)):  # type: ignore[misc]
        before: list[Exception]
        after: list[Exception]
        refused: set[int]

        def finish_and_claim(self, finished: Sequence[FinishedJob], **claim: Any) -> Any:
            return self._failing(finished, lambda: real.finish_and_claim(finished, **claim))

        def finish_many(self, finished: Sequence[FinishedJob]) -> Any:
            return self._failing(finished, lambda: real.finish_many(finished))

        def _failing(self, finished: Sequence[FinishedJob], call: Callable[[], Any]) -> Any:
            if self.before:
                raise self.before.pop(0)
            for done in finished:
                if done.id in self.refused and done.transition.result == '"bad"':
                    raise DataError(f"invalid byte sequence in {done.id}")
            answer = call()
            if self.after:
                raise self.after.pop(0)
            return answer

    store = Failing("default")
    store.before, store.after, store.refused = [], [], set()
    return store


@pytest.fixture
def store() -> Any:
    return failing_store()


def started(bench: Bench, count: int) -> list[int]:
    ids = [bench.enqueue() for _ in range(count)]
    while len(bench.running) < count:
        bench.pump.tick()
    return ids


def pass_the_retry(bench: Bench) -> None:
    """Tick once, when the pump itself says that it is time."""
    bench.time.passes(bench.pump.rest() + 0.001)
    bench.pump.tick()


def test_a_failed_claim_claims_nothing_and_is_tried_again(store: Any) -> None:
    bench = Bench(store=store)
    job_id = bench.enqueue()
    store.before = [GONE]

    assert bench.pump.tick() == 0
    pass_the_retry(bench)

    assert bench.running == [job_id]


def test_outcomes_that_were_not_written_are_kept_and_written_later(store: Any) -> None:
    bench = Bench(store=store)
    ids = started(bench, 2)
    bench.end_all()
    store.before = [GONE]

    bench.pump.tick()
    assert [bench.state_of(one) for one in ids] == [JobState.RUNNING] * 2
    pass_the_retry(bench)

    assert [bench.state_of(one) for one in ids] == [JobState.SUCCEEDED] * 2
    assert "job.finish_was_stale" not in bench.told.names


def test_an_outcome_whose_commit_was_not_answered_is_found_by_its_token(store: Any) -> None:
    bench = Bench(store=store)
    done, dead = started(bench, 2)
    first, second = bench.sync.running
    bench.end(first)
    bench.end(second, state=JobState.DEAD, reason=DeathReason.EXHAUSTED)
    store.after = [GONE]

    bench.pump.tick()
    assert len(bench.in_hand) == 2
    pass_the_retry(bench)

    assert len(bench.in_hand) == 0
    assert ArchivedJob.objects.filter(pk=done).count() == 1
    assert DeadJob.objects.filter(pk=dead).count() == 1
    assert [facts["job"].id for facts in bench.told.of("job.succeeded")] == [done]
    assert [facts["job"].id for facts in bench.told.of("job.dead")] == [dead]
    assert "job.finish_was_stale" not in bench.told.names


def test_a_retry_whose_commit_was_not_answered_is_not_written_twice(store: Any) -> None:
    bench = Bench(store=store)
    [job_id] = started(bench, 1)
    bench.end(bench.sync.running[0], state=JobState.SCHEDULED, delay=3600, reprocess_change=1)
    store.after = [GONE]

    bench.pump.tick()
    pass_the_retry(bench)

    row = Job.objects.get(pk=job_id)
    assert (row.state, row.reprocess_count) == (JobState.SCHEDULED, 1)
    assert len(bench.in_hand) == 0
    # Its token is cleared: that nobody took it away cannot be proved, but it is not told as fact.
    assert [facts["job"].id for facts in bench.told.of("job.finish_is_unknown")] == [job_id]
    assert "job.finish_was_stale" not in bench.told.names


def test_without_a_lost_answer_an_outcome_that_does_not_hold_is_stale(store: Any) -> None:
    bench = Bench(store=store)
    [job_id] = started(bench, 1)
    Job.objects.update(state="ready", claim_token=None, worker_id=None)
    bench.end_all()

    bench.outbox.write()

    assert [facts["job"].id for facts in bench.told.of("job.finish_was_stale")] == [job_id]
    assert bench.state_of(job_id) == JobState.READY
    assert "job.succeeded" not in bench.told.names


class TestRefusedRows:
    """`refused` rows raise DataError, as the database does for what it cannot store."""

    def ended(self, store: Any, *, count: int, bad: Sequence[int]) -> tuple[Bench, list[int]]:
        bench = Bench(store=store, sync_slots=count)
        ids = started(bench, count)
        store.refused = {ids[index] for index in bad}
        for held in list(bench.sync.running):
            bench.end(held, result='"bad"' if held.job.id in store.refused else None)
        return bench, ids

    @pytest.mark.parametrize("bad", [[0], [3], [1, 2], [0, 1, 2, 3, 4]], ids=str)
    def test_only_the_row_that_is_refused_is_buried(self, store: Any, bad: list[int]) -> None:
        bench, ids = self.ended(store, count=5, bad=bad)

        bench.pump.tick()

        buried = [ids[index] for index in bad]
        assert sorted(DeadJob.objects.values_list("pk", flat=True)) == buried
        assert sorted(ArchivedJob.objects.values_list("pk", flat=True)) == [
            one for one in ids if one not in buried
        ]
        assert {row.reason for row in DeadJob.objects.all()} == {DeathReason.UNPROCESSABLE}
        assert {row.error["type"] for row in DeadJob.objects.all()} == {"UnwritableOutcome"}
        assert len(bench.told.of("job.outcome_refused")) == len(bad)
        assert len(bench.in_hand) == 0

    def test_what_was_not_yet_tried_is_kept_when_the_connection_breaks_meanwhile(
        self, store: Any
    ) -> None:
        bench, ids = self.ended(store, count=4, bad=[3])
        calls = []
        write = store.finish_many

        def break_at_the_first_half(finished: Sequence[FinishedJob]) -> Any:
            calls.append(len(finished))
            if len(calls) == 2:
                raise GONE
            return write(finished)

        store.finish_many = break_at_the_first_half
        bench.pump.tick()
        assert calls == [4, 2]
        pass_the_retry(bench)

        assert ArchivedJob.objects.count() == 3
        assert DeadJob.objects.get().pk == ids[3]
        assert len(bench.in_hand) == 0

    def test_a_row_that_takes_not_even_the_constant_outcome_holds_nobody_back(
        self, store: Any
    ) -> None:
        bench, ids = self.ended(store, count=3, bad=[1])
        write = store.finish_many

        def refuse(finished: Sequence[FinishedJob]) -> Any:
            if any(done.id in store.refused for done in finished):
                raise DataError("a column that nobody thought of")
            return write(finished)

        store.finish_many = refuse
        bench.pump.tick()

        assert ArchivedJob.objects.count() == 2
        assert len(bench.in_hand) == 0
        assert bench.state_of(ids[1]) == JobState.RUNNING  # the heartbeat gives it back


def test_an_error_while_looking_for_more_does_not_end_a_worker_that_runs_until_empty(
    store: Any,
) -> None:
    promotions = []
    promote = store.promote

    def promote_at_the_second_try() -> Any:
        promotions.append(1)
        if len(promotions) == 1:
            raise GONE
        return promote()

    store.promote = promote_at_the_second_try
    bench = Bench(store=store, until_empty=True, elapsed=monotonic)

    bench.pump.run(StopSender().receiver())

    assert len(promotions) == 2


def test_two_answers_for_one_claim_count_once_and_the_first_wins(store: Any) -> None:
    bench = Bench(store=store)
    [job_id] = started(bench, 1)
    [held] = bench.sync.running
    bench.end(held)
    release = Transition(state=JobState.READY, attempt_change=-1, keeps_place=True)
    bench.pump.report(held, FinishedJob(held.job, release))

    bench.outbox.write()

    assert bench.state_of(job_id) == JobState.SUCCEEDED
    assert "job.finish_was_stale" not in bench.told.names


def test_a_late_answer_beside_that_of_the_next_claim_of_the_job_changes_nothing(
    store: Any,
) -> None:
    """One worker can claim its own job twice: it was declared dead, and went on."""
    bench = Bench(store=store)
    [job_id] = started(bench, 1)
    [late] = bench.sync.running
    Job.objects.update(state="ready", claim_token=None, worker_id=None)
    bench.time.passes(2)
    bench.pump.tick()
    [_, current] = bench.sync.running
    assert current.job.id == late.job.id == job_id

    failed = {"state": JobState.DEAD, "reason": DeathReason.EXHAUSTED}
    bench.end(late, **failed)
    bench.end(current, result='"current"')
    while bench.pump.rest() == 0:
        bench.pump.tick()

    assert ArchivedJob.objects.get().result == "current"
    assert not DeadJob.objects.exists()
    assert len(bench.told.of("job.finish_was_stale")) == 1
    assert "job.dead" not in bench.told.names
    assert len(bench.in_hand) == 0
