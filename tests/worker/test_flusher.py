"""What a worker leaves in the spool at its end, and what the next one makes of it."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.db import OperationalError
from django.test import override_settings

from django_jobqueue import JobHandle, Retry
from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.specs import AttemptReport, ClaimedJob, FinishedJob, Transition
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.events import EventBus
from django_jobqueue.models import Job
from django_jobqueue.service import StopSender
from django_jobqueue.store import store_for
from django_jobqueue.store.spool import Entry, Kind, Spool
from django_jobqueue.worker.flusher import FlushedOutcomes, Flusher, OutcomeFlush
from django_jobqueue.worker.leaving import Leaving
from tests.outage import an_outage_to_come, database_away
from tests.store.helpers import claimed

from .site import COMMITTED, Gate, Site, Told

pytestmark = COMMITTED

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", using="default")


def end_amid_an_outage(site: Site, handler: Callable[[], object], **settings: Any) -> JobHandle:
    """Run a job whose worker loses the database before the job ends, and is then stopped."""
    gate = Gate()

    def work() -> object:
        gate.pass_through()
        return handler()

    with an_outage_to_come() as lose:
        handle = site.job(work).enqueue()
        with site.working(drain=0.3, **settings) as it:
            gate.entered()
            lose()
            gate.open()
            it.worker.stop()
            it.end()
    site.job(handler, name="work", replace=True)
    return handle


class TestOutcomes:
    def test_the_next_worker_writes_what_the_last_one_could_not(
        self, site: Site, spool: Spool
    ) -> None:
        runs: list[int] = []
        handle = end_amid_an_outage(site, lambda: runs.append(1), spool=spool.path.parent)
        assert site.told.of("outcomes.spooled")[0]["count"] == 1
        assert handle.refresh().state == JobState.RUNNING

        site.work(spool=spool.path.parent)

        assert handle.refresh().state == JobState.SUCCEEDED
        assert (runs, handle.attempts) == ([1], [])
        assert spool.waiting(Kind.OUTCOME, limit=10) == []

    def test_a_failed_attempt_is_kept_with_all_that_is_known_of_it(
        self, site: Site, spool: Spool
    ) -> None:
        handle = end_amid_an_outage(
            site, lambda: Retry("not yet", delay=3600), spool=spool.path.parent
        )

        site.work(spool=spool.path.parent)

        assert handle.refresh().state == JobState.SCHEDULED
        assert handle.snapshot.attempt == 1
        [attempt] = handle.attempts
        assert attempt.message == "not yet"

    def test_without_a_spool_they_are_dropped_and_that_is_told(self, site: Site) -> None:
        handle = end_amid_an_outage(site, lambda: None)

        assert site.told.of("outcomes.dropped")[0]["count"] == 1
        assert handle.refresh().state == JobState.RUNNING  # until its lease lapses

    def test_a_spool_that_cannot_be_written_does_not_keep_the_worker(
        self, site: Site, spool: Spool
    ) -> None:
        spool.path.parent.touch()

        end_amid_an_outage(site, lambda: None, spool=spool.path.parent)

        [dropped] = site.told.of("outcomes.dropped")
        assert str(spool.path) in str(dropped["error"])


class TestWriting:
    """The flush of outcomes by itself."""

    @pytest.fixture(autouse=True)
    def _setting(self, spool: Spool) -> None:
        self.spool, self.told, self.bus = spool, Told(), EventBus()
        self.bus.subscribe(self.told)
        self.store = store_for("default")

    def leave(self, job: ClaimedJob, transition: Transition, **facts: Any) -> None:
        Leaving(self.spool, events=self.bus).leave([FinishedJob(job, transition, **facts)])

    def flush(self) -> FlushedOutcomes:
        return OutcomeFlush(self.spool, store=self.store, events=self.bus).run()

    def test_an_outcome_comes_out_as_it_went_in(self) -> None:
        done = FinishedJob(
            claimed(self.store),
            Transition(
                state=JobState.DEAD,
                reason=DeathReason.DISCARDED,
                error='{"type": "E", "message": "é\\u0001"}',
                report=AttemptReport(outcome="failed", traceback="…", log='["one"]'),
                run_at=MOMENT,
            ),
            MOMENT,
        )
        Leaving(self.spool, events=self.bus).leave([done])

        [entry] = self.spool.waiting(Kind.OUTCOME, limit=10)
        assert msgspec.json.decode(entry.content, type=FinishedJob) == done

    def test_one_whose_claim_is_over_changes_nothing_and_counts_as_stale(self) -> None:
        job = claimed(self.store)
        self.leave(job, Transition(state=JobState.SUCCEEDED))
        self.store.release_of_worker(job.worker_id, started=[job.id], cause="killed")

        assert self.flush() == FlushedOutcomes(written=1, stale=1)
        assert self.told.names[-2:] == ["job.finish_was_stale", "spool.flushed"]
        assert Job.objects.get(pk=job.id).state == JobState.READY
        assert self.flush().entries == 0

    def test_one_that_had_been_written_after_all_is_not_stale(self) -> None:
        job = claimed(self.store)
        self.leave(job, Transition(state=JobState.SUCCEEDED, result="1"))
        self.store.finish_many([FinishedJob(job, Transition(state=JobState.SUCCEEDED))])

        assert self.flush() == FlushedOutcomes(written=1)
        assert JobHandle(job.id).result is None

    def test_of_two_for_one_claim_the_first_counts(self) -> None:
        job = claimed(self.store)
        self.leave(job, Transition(state=JobState.SUCCEEDED, result="1"))
        self.leave(job, Transition(state=JobState.READY, attempt_change=-1))

        assert self.flush() == FlushedOutcomes(written=2)
        assert JobHandle(job.id).result == 1

    def test_of_two_that_one_worker_leaves_only_the_first_is_kept(self) -> None:
        job, leaving = claimed(self.store), Leaving(self.spool, events=self.bus)
        one, two, three = (
            FinishedJob(job, Transition(state=JobState.SUCCEEDED, result=text)) for text in "123"
        )
        leaving.leave([one, two])
        leaving.leave([three])

        assert self.flush() == FlushedOutcomes(written=1)
        assert JobHandle(job.id).result == 1

    def test_who_is_told_of_the_end_only_after_it_expects_nothing(self) -> None:
        leaving = Leaving(self.spool, events=self.bus)
        with leaving.at_last(list, hung_after=60):
            pass

        leaving.expect(list, hung_after=60)

        assert "jobqueue-leaving" not in [thread.name for thread in threading.enumerate()]

    def test_whose_end_was_asked_for_twice_leaves_no_thread_behind(self) -> None:
        leaving, gate = Leaving(self.spool, events=self.bus), Gate()

        def rest() -> list[FinishedJob]:
            gate.pass_through()
            return []

        leaving.expect(rest, hung_after=0)
        gate.entered()
        with leaving.at_last(list, hung_after=60):
            threading.Timer(0.05, gate.open).start()

        assert "jobqueue-leaving" not in [thread.name for thread in threading.enumerate()]

    def test_one_that_nobody_can_read_is_set_aside_and_the_others_are_written(self) -> None:
        job = claimed(self.store)
        bad = Entry(receipt=uuid4(), kind=Kind.OUTCOME, spooled_at=MOMENT, content='{"job": 1}')
        self.spool.add([bad])
        self.leave(job, Transition(state=JobState.SUCCEEDED))

        assert self.flush() == FlushedOutcomes(written=1, refused=1)
        assert JobHandle(job.id).state == JobState.SUCCEEDED
        assert [entry.receipt for entry in self.spool.set_aside()] == [bad.receipt]
        assert "spool.entry_refused" in self.told.names

    def test_one_that_the_database_refuses_buries_its_own_job_alone(self) -> None:
        jobs = [claimed(self.store) for _ in range(2)]
        for job, result in zip(jobs, ("no json", "1"), strict=True):
            self.leave(job, Transition(state=JobState.SUCCEEDED, result=result))

        assert self.flush() == FlushedOutcomes(written=2)
        assert [JobHandle(job.id).state for job in jobs] == [JobState.DEAD, JobState.SUCCEEDED]

    def test_while_the_database_is_away_they_stay(self, tmp_path: Path) -> None:
        job = claimed(self.store)
        self.leave(job, Transition(state=JobState.SUCCEEDED))

        with database_away(tmp_path), pytest.raises(OperationalError):
            self.flush()

        assert len(self.spool.waiting(Kind.OUTCOME, limit=10)) == 1
        assert self.flush() == FlushedOutcomes(written=1)


class TestEnqueues:
    def spooled(self, site: Site, spool: Spool, tmp_path: Path) -> tuple[list[str], JobHandle]:
        runs = site.counted("work")
        settings = override_settings(JOBQUEUE={"SPOOL": spool.path.parent})
        with settings, database_away(tmp_path):
            return runs, site.declared["work"].enqueue()

    def test_a_worker_that_starts_has_flushed_before_it_looks_for_jobs(
        self, site: Site, spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # The thread of the duty gets no turn before the worker has found nothing and ends.
        monkeypatch.setattr(Flusher, "run", lambda flusher, stop: stop.wait())
        runs, handle = self.spooled(site, spool, tmp_path)

        site.work(spool=spool.path.parent)

        assert (runs, handle.refresh().state) == (["work"], JobState.SUCCEEDED)

    def test_a_worker_that_runs_flushes_what_comes(
        self, site: Site, spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Flusher, "LOOK_SECONDS", 0.02)
        elsewhere = Spool(tmp_path / "elsewhere", using="default")
        runs, _ = self.spooled(site, elsewhere, tmp_path)
        with site.working(spool=spool.path.parent, poll_interval=3600) as it:
            it.polls()
            spool.add(elsewhere.waiting(Kind.JOBS, limit=1))  # as another process would
            site.told.wait_for("job.succeeded")

        assert runs == ["work"]

    def test_a_spool_that_cannot_be_read_does_not_keep_jobs_from_running(
        self, site: Site, spool: Spool
    ) -> None:
        spool.path.parent.mkdir()
        spool.path.write_bytes(b"not a database" * 100)
        runs = site.counted("work")
        site.declared["work"].enqueue()

        site.work(spool=spool.path.parent)

        assert runs == ["work"]


def test_it_goes_on_while_batches_are_full(spool: Spool) -> None:
    woken: list[bool] = []
    flusher = Flusher(
        spool,
        store=store_for("default"),
        settings=JobQueueSettings(spool=spool.path.parent),
        wake=lambda: woken.append(True),
        events=EventBus(),
        batch=2,
    )
    for _ in range(5):
        done = FinishedJob(claimed(store_for("default")), Transition(state=JobState.SUCCEEDED))
        Leaving(spool, events=EventBus()).leave([done])
    assert flusher.tick() == 0.0
    assert len(spool.waiting(Kind.OUTCOME, limit=10)) == 3

    flusher.flush_all(StopSender().receiver())
    assert spool.waiting(Kind.OUTCOME, limit=10) == []
    assert (woken, flusher.tick()) == ([True] * 3, None)
