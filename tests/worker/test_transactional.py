"""`@job(transactional=True)`: what a handler did to the database of its queue is there if and only
if its job has succeeded.
"""

import threading
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, connection, transaction

from django_jobqueue import (
    Cancel,
    Discard,
    JobContext,
    JobState,
    Retry,
    Snooze,
    Succeed,
    cancel,
)
from django_jobqueue.models import ArchivedJob, Job
from tests.elsewhere import elsewhere

from .effects import TRANSACTIONAL, effects, write
from .site import COMMITTED, PATIENCE, Gate, Site, the_attempt_of

pytestmark = COMMITTED


class TestSuccess:
    def test_its_effects_and_its_result_are_there_together(self, site: Site) -> None:
        @site.job(**TRANSACTIONAL)
        def work(context: JobContext) -> str:
            write()
            context.log("written")
            return "done"

        handle = work.enqueue()
        site.work()

        assert (handle.refresh().state, handle.result) == (JobState.SUCCEEDED, "done")
        assert effects() == ["effect"]
        assert the_attempt_of(handle).log == ["written"]
        assert site.told.names.count("job.succeeded") == 1
        assert "job.finish_was_stale" not in site.told.names

    def test_one_that_is_raised_counts_as_one(self, site: Site) -> None:
        def work() -> None:
            write()
            raise Succeed("done")

        handle = site.job(work, **TRANSACTIONAL).enqueue()
        site.work()

        assert (handle.refresh().result, effects()) == ("done", ["effect"])

    def test_the_finish_is_committed_with_the_effects_and_not_after_them(self, site: Site) -> None:
        seen: list[str] = []

        def look() -> None:
            elsewhere(lambda: seen.extend(ArchivedJob.objects.values_list("state", flat=True)))

        def work() -> None:
            write()
            transaction.on_commit(look)

        site.job(work, **TRANSACTIONAL).enqueue()
        site.work()

        assert seen == [JobState.SUCCEEDED]

    def test_its_slot_is_free_again(self, site: Site) -> None:
        handles = [
            site.job(lambda: None, name=f"job {n}", **TRANSACTIONAL).enqueue() for n in range(5)
        ]
        site.work(concurrency=1)

        assert {one.refresh().state for one in handles} == {JobState.SUCCEEDED}

    def test_a_record_that_is_not_kept_is_gone_and_the_effects_are_there(self, site: Site) -> None:
        site.job(write, name="work", keep=False, **TRANSACTIONAL).enqueue()
        site.work()

        assert (ArchivedJob.objects.count(), Job.objects.count(), effects()) == (0, 0, ["effect"])

    def test_its_last_word_on_progress_is_kept(self, site: Site) -> None:
        @site.job(**TRANSACTIONAL)
        def work(context: JobContext) -> None:
            for n in range(1, 4):
                context.progress(n, 3)

        handle = work.enqueue()
        site.work()

        assert handle.refresh().snapshot.progress == {"done": 3, "total": 3, "message": ""}

    def test_a_job_that_it_enqueued_exists_once_it_has_succeeded(self, site: Site) -> None:
        runs = site.counted("later")
        later = site.declared["later"]

        @site.job(**{**TRANSACTIONAL, "max_attempts": 2})
        def work(context: JobContext) -> None:
            context.enqueue(later)
            if context.attempt == 1:
                raise ValueError

        work.enqueue()
        site.work()

        assert runs == ["later"]

    def test_a_callback_that_fails_after_the_commit_does_not_undo_it(self, site: Site) -> None:
        def work() -> None:
            write()
            transaction.on_commit(lambda: 1 / 0)

        handle = site.job(work, **TRANSACTIONAL).enqueue()
        site.work()

        assert (handle.refresh().state, effects()) == (JobState.SUCCEEDED, ["effect"])
        [told] = site.told.of("job.callback_failed")
        assert isinstance(told["error"], ZeroDivisionError)


class TestEverythingElse:
    @pytest.mark.parametrize(
        ("answer", "state"),
        [
            (Retry("later", delay=60), JobState.SCHEDULED),
            (Snooze(delay=60), JobState.SCHEDULED),
            (Cancel("no need"), JobState.CANCELLED),
            (Discard("never"), JobState.DEAD),
            (ValueError("failed"), JobState.DEAD),
            (SystemExit(1), JobState.DEAD),
        ],
    )
    @pytest.mark.parametrize("how", ["returned", "raised"])
    def test_rolls_its_effects_back(
        self, site: Site, answer: BaseException, state: JobState, how: str
    ) -> None:
        def work() -> object:
            write()
            if how == "raised" or not isinstance(answer, Retry | Snooze | Cancel | Discard):
                raise answer
            return answer

        attempts = 1 if state == JobState.DEAD else 3
        handle = site.job(work, max_attempts=attempts, **TRANSACTIONAL).enqueue()
        site.work()

        assert (handle.refresh().state, effects()) == (state, [])

    def test_a_constraint_that_is_looked_at_in_the_commit_fails_the_attempt(
        self, site: Site
    ) -> None:
        def work() -> None:
            write()
            Permission.objects.create(name="of nothing", codename="x", content_type_id=-1)

        handle = site.job(work, max_attempts=1, **TRANSACTIONAL).enqueue()
        site.work()

        assert (handle.refresh().state, effects()) == (JobState.DEAD, [])
        assert the_attempt_of(handle).error_type == "django.db.utils.IntegrityError"

    def test_a_transaction_that_an_error_has_spoiled_cannot_succeed(self, site: Site) -> None:
        def work() -> str:
            write()
            try:
                with transaction.atomic(savepoint=False):
                    write()
            except IntegrityError:
                return "swallowed"
            return "not reached"

        handle = site.job(work, max_attempts=1, **TRANSACTIONAL).enqueue()
        site.work()

        assert (handle.refresh().state, effects()) == (JobState.DEAD, [])

    @pytest.mark.parametrize(
        "leave",
        [
            pytest.param(lambda: connection.close(), id="a closed connection"),
            pytest.param(lambda: transaction.atomic().__enter__(), id="a block left open"),
            pytest.param(lambda: transaction.set_rollback(True), id="a rollback to come"),
        ],
    )
    def test_a_handler_that_breaks_its_transaction_has_failed(
        self, site: Site, leave: Callable[[], object]
    ) -> None:
        def work() -> None:
            write()
            leave()

        handle = site.job(work, max_attempts=1, **TRANSACTIONAL).enqueue()
        site.work()

        assert (handle.refresh().state, effects()) == (JobState.DEAD, [])

    def test_its_timeout_rolls_its_effects_back(self, site: Site) -> None:
        def spin() -> None:
            write()
            while True:
                pass

        handle = site.job(spin, max_attempts=1, **{**TRANSACTIONAL, "timeout": 0.1}).enqueue()
        site.work()

        assert (handle.refresh().state, effects()) == (JobState.DEAD, [])
        assert the_attempt_of(handle).error_type == "django_jobqueue.core.errors.JobTimedOut"

    def test_the_end_of_its_worker_rolls_its_effects_back(self, site: Site) -> None:
        began = threading.Event()

        def spin() -> None:
            write()
            began.set()
            while True:
                pass

        handle = site.job(spin, max_attempts=1, **TRANSACTIONAL).enqueue()
        with site.working(drain=0) as it:
            assert began.wait(PATIENCE)
            it.worker.stop()
            it.end()

        assert (handle.refresh().state, handle.snapshot.attempt) == (JobState.READY, 0)
        assert effects() == []

    @pytest.mark.postgresql  # on SQLite nobody else could ask for it meanwhile
    def test_its_cancellation_rolls_its_effects_back(self, site: Site) -> None:
        gate = Gate()

        @site.job(**TRANSACTIONAL)
        def work(context: JobContext) -> None:
            write()
            gate.pass_through()
            while True:
                context.check()

        handle = work.enqueue()
        with site.working(heartbeat_interval=0.02, lease=25):
            gate.entered()
            cancel(handle.id)
            gate.open()
            assert handle.wait(PATIENCE).state == JobState.CANCELLED

        assert effects() == []

    @pytest.mark.postgresql
    def test_its_cancellation_comes_too_late_for_one_that_ends_well(self, site: Site) -> None:
        gate = Gate()

        def work() -> None:
            write()
            gate.pass_through()

        handle = site.job(work, **TRANSACTIONAL).enqueue()
        with site.working():
            gate.entered()
            cancel(handle.id)
            gate.open()
            assert handle.wait(PATIENCE).state == JobState.SUCCEEDED

        assert effects() == ["effect"]
