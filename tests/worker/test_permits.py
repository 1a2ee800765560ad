"""A handler asks its own strategies before it runs, and leaves their permits behind."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from django_jobqueue import (
    CancelJob,
    Constant,
    DeathReason,
    InvalidOptions,
    JobContext,
    JobState,
    MarkSucceeded,
    PermitStrategy,
    QueueHandler,
    Retry,
    TryAfter,
)
from django_jobqueue.jobs.enqueueing import Enqueuer
from django_jobqueue.models import ArchivedJob, AttemptRecord, Job
from tests.acceptance import isolated_jobs

from .apart import Apart
from .site import COMMITTED, Site, the_attempt_of
from .strategies import Answering, Noting, no_permit_is_held
from .test_executor import trial_of

__all__ = ["trial_of"]  # a fixture

pytestmark = COMMITTED

BACKOFF = Constant(300, jitter=0)


@pytest.fixture
def notes() -> Iterator[list[str]]:
    yield []
    assert no_permit_is_held()


class TestGranting:
    def test_permits_are_entered_in_order_and_left_in_reverse(
        self, site: Site, notes: list[str]
    ) -> None:
        @site.job(permits=[Noting("a", notes), Noting("b", notes)])
        def run() -> None:
            notes.append("run")

        handle = run.enqueue()
        site.work()

        assert notes == ["+a", "+b", "run", "-b", "-a"]
        assert handle.state is JobState.SUCCEEDED

    def test_the_strategy_is_told_of_the_job(self, site: Site, notes: list[str]) -> None:
        strategy = Answering(MarkSucceeded())
        site.counted("note", permits=[strategy])
        handle = site.declared["note"].enqueue()
        site.work()

        [job] = strategy.jobs
        assert (job.id, job.handler, job.attempt) == (handle.id, "note", 1)

    def test_they_are_left_when_the_handler_raises(self, site: Site, notes: list[str]) -> None:
        @site.job(permits=[Noting("a", notes)], max_attempts=1)
        def run() -> None:
            raise SystemExit

        handle = run.enqueue()
        site.work()

        assert notes == ["+a", "-a"]
        assert handle.state is JobState.DEAD

    def test_a_lock_is_left_by_the_thread_that_has_entered_it(self, site: Site) -> None:
        lock = threading.RLock()
        runs = site.counted("note", permits=[Answering(lock)])
        for _ in range(3):
            site.declared["note"].enqueue()
        site.work()

        assert runs == ["note"] * 3
        assert "job.permit_failed" not in site.told.names

    def test_a_permit_that_cannot_be_left_hurts_neither_the_job_nor_the_others(
        self, site: Site, notes: list[str]
    ) -> None:
        class Sticky(Noting):
            def permit(self) -> Any:
                return self

            def __enter__(self) -> None: ...

            def __exit__(self, *_: object) -> None:
                raise OSError("the lock server is gone")

        site.counted("note", permits=[Noting("a", notes), Sticky("b", notes)])
        handle = site.declared["note"].enqueue()
        site.work()

        assert handle.state is JobState.SUCCEEDED
        assert notes == ["+a", "-a"]
        [failure] = site.told.of("job.permit_failed")
        assert (failure["job"].id, failure["strategy"]) == (handle.id, Sticky.__qualname__)
        assert "lock server" in str(failure["error"])

    def test_a_transaction_is_over_before_they_are_left(self, site: Site, notes: list[str]) -> None:
        class Looking(Noting):
            def permit(self) -> Any:
                return self

            def __enter__(self) -> None:
                assert not connection.in_atomic_block

            def __exit__(self, *_: object) -> None:
                notes.extend(ArchivedJob.objects.values_list("handler", flat=True))

        @site.job(permits=[Looking("a", notes)], transactional=True, timeout=10, name="booked")
        def run() -> None:
            assert connection.in_atomic_block

        run.enqueue()
        site.work()

        assert notes == ["booked"]

    def test_the_worker_holds_them_for_a_handler_in_a_process_of_its_own(
        self, apart: Apart
    ) -> None:
        isolated_jobs.PERMIT.entered.clear()
        handle = isolated_jobs.tell_permits.enqueue()
        apart.work()

        assert handle.refresh().result == [], "none was entered there"
        assert isolated_jobs.PERMIT.entered == [apart.pid]


class TestRefusing:
    def test_after_a_refusal_nothing_is_held_and_nothing_runs(
        self, site: Site, notes: list[str]
    ) -> None:
        after = Noting("never asked", notes)
        permits = [Noting("a", notes), Answering(TryAfter(60)), after]
        runs = site.counted("note", permits=permits)
        site.declared["note"].enqueue()
        site.work()

        assert notes == ["+a", "-a"]
        assert runs == []
        [told] = site.told.of("job.permit_refused")
        assert (told["strategy"], told["refusal"]) == ("Answering", TryAfter(60))

    def test_try_after_spends_nothing_and_leaves_no_trace(self, site: Site) -> None:
        site.counted("note", permits=[Answering(TryAfter(timedelta(hours=2)))], backoff=BACKOFF)
        handle = site.declared["note"].enqueue()
        site.work()

        row = Job.objects.get(pk=handle.id)
        assert (row.state, row.attempt) == (JobState.SCHEDULED, 0)
        assert (row.reprocess_count, row.rescues, row.error) == (0, 0, None)
        assert not AttemptRecord.objects.exists()
        assert row.run_at - row.created_at >= timedelta(hours=2)

    def test_try_after_is_not_sooner_than_the_backoff(self, site: Site) -> None:
        site.counted("note", permits=[Answering(TryAfter(1))], backoff=BACKOFF)
        handle = site.declared["note"].enqueue()
        site.work()

        row = Job.objects.get(pk=handle.id)
        assert row.run_at - row.created_at >= timedelta(seconds=300)

    def test_without_any_delay_it_is_not_back_at_once(self, site: Site) -> None:
        strategy = Answering(TryAfter())
        site.counted("note", permits=[strategy], backoff=Constant(0, jitter=0))
        handle = site.declared["note"].enqueue()
        with site.working() as running:
            running.told.wait_for("job.rescheduled")

        [transition] = [facts["transition"] for facts in site.told.of("job.rescheduled")][:1]
        assert transition.delay > 0
        assert handle.state in (JobState.SCHEDULED, JobState.READY)

    def test_cancel_job_ends_it(self, site: Site) -> None:
        site.counted("note", permits=[Answering(CancelJob("the account is closed"))])
        handle = site.declared["note"].enqueue()
        site.work()

        record = handle.refresh()
        assert (record.state, record.snapshot.attempt) == (JobState.CANCELLED, 0)
        assert record.error == {"type": "Cancel", "message": "the account is closed"}

    def test_mark_succeeded_needs_no_run(self, site: Site) -> None:
        runs = site.counted("note", permits=[Answering(MarkSucceeded({"from": "cache"}))])
        handle = site.declared["note"].enqueue()
        site.work()

        record = handle.refresh()
        assert (record.state, record.snapshot.attempt) == (JobState.SUCCEEDED, 0)
        assert record.result == {"from": "cache"}
        assert runs == []

    def test_retry_spends_an_attempt(self, site: Site) -> None:
        site.counted("note", permits=[Answering(Retry("the service is down"))], max_attempts=2)
        handle = site.declared["note"].enqueue()
        site.work()
        assert (handle.state, handle.snapshot.attempt) == (JobState.SCHEDULED, 1)
        Job.objects.update(state="ready")
        site.work()

        record = handle.refresh()
        assert (record.state, record.snapshot.reason) == (JobState.DEAD, DeathReason.EXHAUSTED)

    @pytest.mark.parametrize(
        ("answer", "told"),
        [(OSError("no route"), "no route"), (None, "nullcontext"), (CancelJob, "acquire")],
    )
    def test_a_strategy_that_fails_is_a_failed_attempt(
        self, site: Site, answer: object, told: str
    ) -> None:
        runs = site.counted("note", permits=[Answering(answer)], max_attempts=1)
        handle = site.declared["note"].enqueue()
        site.work()

        assert runs == []
        assert handle.state is JobState.DEAD
        assert told in the_attempt_of(handle).message


@pytest.mark.parametrize("permits", [[PermitStrategy], ["breaker"], threading.Lock()])
def test_permits_are_objects_of_strategies(site: Site, permits: Any) -> None:
    with pytest.raises(InvalidOptions, match="extend PermitStrategy"):
        site.counted("note", permits=permits)


def test_a_queue_handler_asks_for_permits_too(site: Site, notes: list[str]) -> None:
    class Mail(QueueHandler, registry=site.registry, permits=[Noting("a", notes)]):
        queue = "mail"

        def process(self, context: JobContext, payload: Any) -> None:
            notes.append(payload)

    Enqueuer(Mail.handler).enqueue("hello")
    site.work()

    assert notes == ["+a", "hello", "-a"]
