from threading import Event
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from django_jobqueue import JobContext, JobHandle, Line, LineStatus, run_now
from django_jobqueue.core.errors import JobCancelled, LeaseLost, PayloadError
from django_jobqueue.core.specs import FinishedJob
from django_jobqueue.events import EventBus
from django_jobqueue.jobs.context import LOG_CHARACTERS, LOG_LINES
from django_jobqueue.jobs.line_keeper import keeper
from django_jobqueue.store import store_for
from tests.handlers import add

from .finishing import RETRIED, claim_next


class Watch:
    """A monotonic clock that a test moves."""

    seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


class Running:
    """A job that is being run, and its context."""

    def __init__(self) -> None:
        self.handle = add.enqueue(1)
        self.job = claim_next()
        self.watch = Watch()
        self.cancelled, self.lease_lost = Event(), Event()
        self.in_doubt = False
        self.events = EventBus()
        self.context = self.of(store_for("default"))

    def of(self, store: Any) -> JobContext:
        return JobContext(
            self.job,
            store=store,
            cancelled=self.cancelled,
            lease_lost=self.lease_lost,
            lease_in_doubt=lambda: self.in_doubt,
            clock=self.watch,
            events=self.events,
        )

    def lose_claim(self) -> None:
        store_for("default").finish_many([FinishedJob(self.job, RETRIED)])

    @property
    def progress(self) -> object:
        return self.handle.refresh().snapshot.progress


@pytest.fixture
def running(db: None) -> Running:
    return Running()


class TestStopping:
    def test_it_tells_which_run_this_is(self, running: Running):
        assert running.context.job is running.job
        assert running.context.attempt == 1

    def test_nothing_to_check_while_all_is_well(self, running: Running):
        running.context.check()

        assert not running.context.cancelled
        assert not running.context.lease_lost

    def test_a_cancelled_job_ends_at_its_next_check(self, running: Running):
        running.cancelled.set()

        assert running.context.cancelled
        with pytest.raises(JobCancelled):
            running.context.check()

    def test_a_run_whose_lease_is_lost_ends_at_its_next_check(self, running: Running):
        running.lease_lost.set()

        assert running.context.lease_lost
        with pytest.raises(LeaseLost, match=str(running.job.id)):
            running.context.check()

    def test_a_lease_in_doubt_counts_as_lost_while_the_doubt_lasts(self, running: Running):
        running.in_doubt = True
        assert running.context.lease_lost
        with pytest.raises(LeaseLost):
            running.context.check()

        running.in_doubt = False

        running.context.check()
        assert not running.context.lease_lost


class TestProgress:
    def test_the_first_word_is_written_at_once(self, running: Running):
        running.context.progress(1, 10, "one")

        assert running.progress == {"done": 1, "total": 10, "message": "one"}

    def test_it_is_written_at_most_every_half_a_second(
        self, running: Running, django_assert_num_queries: Any
    ):
        running.context.progress(0, 100)
        with django_assert_num_queries(0):
            for number in range(100):
                running.watch.seconds = 1_000 + number * 0.004
                running.context.progress(number, 100)

        running.watch.seconds = 1_000.5
        running.context.progress(99, 100)

        assert running.progress == {"done": 99, "total": 100, "message": ""}

    def test_the_last_word_is_kept_however_soon_it_came(self, running: Running):
        running.context.progress(1)
        running.context.progress(2)
        assert running.progress == {"done": 1, "total": None, "message": ""}

        running.context.flush_progress()

        assert running.progress == {"done": 2, "total": None, "message": ""}

    def test_nothing_new_is_not_written_again(
        self, running: Running, django_assert_num_queries: Any
    ):
        running.context.progress(1)

        with django_assert_num_queries(0):
            running.context.flush_progress()

    @pytest.mark.parametrize(("done", "total"), [(float("nan"), 1), (1, float("inf"))])
    def test_numbers_that_are_not_finite_are_refused(
        self, running: Running, done: float, total: float
    ):
        with pytest.raises(ValueError, match="finite"):
            running.context.progress(done, total)

    def test_a_hostile_message_is_made_storable(self, running: Running):
        running.context.progress(1, 2, "a\x00b\ud800" + "x" * 10_000)

        progress = running.progress
        assert isinstance(progress, dict)
        assert "\x00" not in progress["message"]
        assert len(progress["message"]) <= 1_000

    def test_a_run_that_lost_its_claim_writes_nothing_and_learns_of_it(self, running: Running):
        running.lose_claim()

        running.context.progress(1)

        assert running.context.lease_lost
        assert running.progress is None

    def test_a_database_that_cannot_write_it_is_no_reason_to_fail(self, running: Running):
        class Unreachable:
            def save_progress(self, *args: object, **kwargs: object) -> bool:
                raise OSError("gone")

        heard: list[str] = []
        running.events.subscribe(lambda name, facts: heard.append(f"{name}: {facts['error']}"))

        running.of(Unreachable()).progress(1)

        assert heard == ["job.progress_lost: gone"]


class TestLog:
    def test_lines_are_kept_in_order(self, running: Running):
        running.context.log("one")
        running.context.log({"two": 2})

        assert running.context.log_lines == ["one", "{'two': 2}"]

    def test_a_run_that_logs_nothing_has_no_lines(self, running: Running):
        assert running.context.log_lines == []

    def test_past_a_thousand_lines_the_rest_is_counted(self, running: Running):
        for number in range(LOG_LINES + 5):
            running.context.log(number)

        *kept, last = running.context.log_lines
        assert kept == [str(number) for number in range(LOG_LINES)]
        assert last == "… and 5 more lines, which were not kept"

    def test_past_64_kib_the_rest_is_counted(self, running: Running):
        for _ in range(3):
            running.context.log("x" * (LOG_CHARACTERS // 2))
        running.context.log("short")

        assert sum(map(len, running.context.log_lines[:-1])) <= LOG_CHARACTERS
        assert running.context.log_lines[-1] == "… and 2 more lines, which were not kept"

    def test_a_line_that_cannot_be_stored_or_printed_is_made_storable(self, running: Running):
        class Broken:
            def __str__(self) -> str:
                raise RuntimeError("no")

        running.context.log("a\x00b\ud800")
        running.context.log(Broken())

        first, second = running.context.log_lines
        assert first.encode()
        assert "\x00" not in first
        assert second


class TestCheckpoints:
    def test_a_checkpoint_is_there_for_the_next_attempt(self, running: Running):
        running.context.checkpoint("charged", {"receipt": 7})
        running.context.checkpoint("mailed")
        running.lose_claim()  # the job waits for its retry
        run_now(running.job.id)
        running.job = claim_next()
        second = running.of(store_for("default"))

        assert second.attempt == 2
        assert second.checkpoints == {"charged": {"receipt": 7}, "mailed": True}

    def test_a_first_attempt_has_none(self, running: Running):
        assert running.context.checkpoints == {}

    def test_a_run_that_lost_its_claim_is_told_so(self, running: Running):
        running.lose_claim()

        with pytest.raises(LeaseLost):
            running.context.checkpoint("charged")

        assert running.context.lease_lost
        assert running.context.checkpoints == {}

    def test_a_value_that_no_database_gives_back_is_refused(self, running: Running):
        with pytest.raises(PayloadError):
            running.context.checkpoint("charged", float("nan"))

        assert running.context.checkpoints == {}


class TestEnqueueing:
    def test_a_handler_enqueues_by_what_job_returned_and_by_name(self, running: Running):
        by_job = running.context.enqueue(add, 1)
        by_name = running.context.enqueue("tests.greet", name="Ada")
        by_options = running.context.enqueue(add.using(queue="slow"), 2)

        assert by_job.snapshot.handler == "tests.handlers.add"
        assert by_name.snapshot.queue == "mail"
        assert by_options.snapshot.queue == "slow"


@pytest.mark.django_db(transaction=True)
def test_coroutines_await_the_twins():
    running = Running()

    async def run() -> JobHandle:
        await running.context.aprogress(1, 2)
        await running.context.acheckpoint("half")
        return await running.context.aenqueue(add, 3)

    enqueued = async_to_sync(run)()

    assert running.progress == {"done": 1, "total": 2, "message": ""}
    assert running.context.checkpoints == {"half": True}
    assert enqueued.snapshot.payload == {"args": [], "kwargs": {"a": 3}}


class TestLine:
    def test_a_line_is_shared_with_every_worker_that_uses_its_name(self, running: Running):
        with running.context.line("api").try_acquire_token().token:
            elsewhere = Line("api", scope="cluster")
            assert elsewhere.status() is LineStatus.BUSY

        assert elsewhere.status() is LineStatus.FREE
        assert keeper.join(10)
