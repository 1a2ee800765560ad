"""What a running handler learns about its job and says about it."""

import asyncio
import threading
from contextlib import suppress
from datetime import UTC, datetime

from django_jobqueue import Constant, JobContext, JobHandle, JobState, LeaseLost, cancel
from django_jobqueue.models import Job, WorkerRecord

from .site import COMMITTED, PATIENCE, Gate, Site, the_attempt_of, within

pytestmark = COMMITTED

FAST = {"heartbeat_interval": 0.02, "lease": 5}
NOW = Constant(0)
FAR = datetime(2100, 1, 1, tzinfo=UTC)


def test_lines_are_kept_with_a_success_too(site: Site) -> None:
    @site.job
    def talk(context: JobContext) -> None:
        context.log("one")
        context.log({"two": 2})

    handle = talk.enqueue()
    site.work()

    attempt = the_attempt_of(handle)
    assert handle.state == JobState.SUCCEEDED
    assert (attempt.outcome, attempt.log) == ("succeeded", ["one", "{'two': 2}"])


def test_lines_are_kept_with_a_failure(site: Site) -> None:
    @site.job
    async def talk(context: JobContext) -> None:
        context.log("before")
        raise ValueError

    handle = talk.enqueue()
    site.work()

    assert the_attempt_of(handle).log == ["before"]


def test_the_last_progress_is_stored_whatever_was_told_before(site: Site) -> None:
    @site.job
    def count(context: JobContext) -> None:
        for number in range(50):
            context.progress(number + 1, 50, f"row {number}")

    handle = count.enqueue()
    site.work()

    assert handle.refresh().snapshot.progress == {"done": 50, "total": 50, "message": "row 49"}


def test_an_async_handler_tells_its_progress(site: Site) -> None:
    @site.job
    async def count(context: JobContext) -> None:
        await context.aprogress(1, 2)
        await context.aprogress(2, 2)

    handle = count.enqueue()
    site.work()

    assert handle.refresh().snapshot.progress == {"done": 2, "total": 2, "message": ""}


def test_progress_is_seen_while_the_handlers_own_transaction_is_open(site: Site) -> None:
    """On PostgreSQL; SQLite has one writer, so the handler tells it outside its transaction."""
    gate = Gate()

    @site.job
    def count(context: JobContext) -> None:
        context.progress(1, 2)
        gate.pass_through()

    handle = count.enqueue()
    with site.working():
        gate.entered()
        assert handle.refresh().snapshot.progress == {"done": 1, "total": 2, "message": ""}
        gate.open()
        site.told.wait_for("job.succeeded")


def test_a_checkpoint_survives_the_retry(site: Site) -> None:
    done = []

    @site.job(backoff=NOW)
    def in_steps(context: JobContext) -> list[str]:
        for step in ("first", "second"):
            if step not in context.checkpoints:
                done.append(step)
                context.checkpoint(step, {"n": len(done)})
                if context.attempt == 1 and step == "first":
                    raise ConnectionError
        return sorted(context.checkpoints)

    handle = in_steps.enqueue()
    site.work()

    assert handle.refresh().result == ["first", "second"]
    assert done == ["first", "second"]


def test_a_handler_sees_which_attempt_it_is(site: Site) -> None:
    seen = []

    @site.job(backoff=NOW, max_attempts=3)
    def fail(context: JobContext) -> None:
        seen.append((context.attempt, context.job.attempt, context.job.is_last_attempt))
        raise ValueError

    fail.enqueue()
    site.work()

    assert seen == [(1, 1, False), (2, 2, False), (3, 3, True)]


def test_a_handler_may_enqueue_more(site: Site) -> None:
    runs = site.counted("after")

    @site.job
    def first(context: JobContext) -> int:
        return context.enqueue(site.declared["after"]).id

    handle = first.enqueue()
    site.work()

    assert runs == ["after"]
    assert JobHandle(int(str(handle.refresh().result))).state == JobState.SUCCEEDED


class TestCancelling:
    def cancelled(self, site: Site, handle: JobHandle, entered: threading.Event) -> None:
        """Cancel the job while it runs, and wait until the worker is done with it."""
        with site.working(**FAST):
            assert entered.wait(PATIENCE)
            assert cancel(handle.id).asked == 1
            assert within(PATIENCE, lambda: not Job.objects.exists())

    def test_a_running_handler_sees_that_it_was_cancelled(self, site: Site) -> None:
        entered, seen = threading.Event(), []

        @site.job
        def loop(context: JobContext) -> None:
            entered.set()
            seen.append(within(PATIENCE, lambda: context.cancelled))
            context.check()

        handle = loop.enqueue()
        self.cancelled(site, handle, entered)

        assert (seen, handle.refresh().state) == ([True], JobState.CANCELLED)

    def test_check_ends_it_through_any_except_exception(self, site: Site) -> None:
        entered = threading.Event()

        @site.job
        def stubborn(context: JobContext) -> None:
            entered.set()
            while True:
                with suppress(Exception):
                    context.check()

        handle = stubborn.enqueue()
        self.cancelled(site, handle, entered)

        assert handle.refresh().state == JobState.CANCELLED
        assert handle.snapshot.attempt == 1

    def test_an_async_handler_is_cancelled_where_it_waits(self, site: Site) -> None:
        entered = threading.Event()

        @site.job
        async def wait_for_ever() -> None:
            entered.set()
            await asyncio.Event().wait()

        handle = wait_for_ever.enqueue()
        self.cancelled(site, handle, entered)

        assert handle.refresh().state == JobState.CANCELLED

    def test_a_handler_that_finishes_all_the_same_has_succeeded(self, site: Site) -> None:
        entered = threading.Event()

        @site.job
        def finish(context: JobContext) -> str:
            entered.set()
            assert within(PATIENCE, lambda: context.cancelled)
            return "done"

        handle = finish.enqueue()
        self.cancelled(site, handle, entered)

        assert (handle.refresh().state, handle.result) == (JobState.SUCCEEDED, "done")

    def test_a_retry_of_a_cancelled_job_is_not_waited_for(self, site: Site) -> None:
        entered = threading.Event()

        @site.job
        def fail(context: JobContext) -> None:
            entered.set()
            assert within(PATIENCE, lambda: context.cancelled)
            raise ConnectionError

        handle = fail.enqueue()
        self.cancelled(site, handle, entered)

        assert handle.refresh().state == JobState.CANCELLED
        assert [facts["job"].id for facts in site.told.of("job.cancelled")] == [handle.id]


def test_a_handler_whose_lease_was_lost_is_told_so_and_changes_nothing(site: Site) -> None:
    gate, told = Gate(), []

    @site.job
    def slow(context: JobContext) -> str:
        gate.pass_through()
        told.append(within(PATIENCE, lambda: context.lease_lost))
        try:
            context.check()
        except LeaseLost as error:
            told.append(error.job_id)
        return "too late"

    handle = slow.enqueue()
    with site.working(concurrency=1, **FAST):
        gate.entered()
        WorkerRecord.objects.update(state="dead")
        # As a reaper does, and as if another worker ran it by now.
        Job.objects.update(state="scheduled", run_at=FAR, claim_token=None, worker_id=None)
        gate.open()
        site.told.wait_for("job.finish_was_stale")

    assert told == [True, handle.id]
    assert handle.refresh().state == JobState.SCHEDULED
