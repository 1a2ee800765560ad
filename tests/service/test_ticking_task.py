import threading
from contextlib import contextmanager
from queue import Empty, SimpleQueue

import pytest

from django_jobqueue.service import (
    Service,
    ServiceFailed,
    ServiceTaskKind,
    StopSender,
    TaskError,
    TickingTask,
)
from django_jobqueue.service.threads import caught
from django_jobqueue.service.trouble import Trouble

from .running import GLANCE, PATIENCE

HOUR = 3600.0


class Ticker(TickingTask):
    """Answers each tick with the next of its answers, then with None; an exception is raised."""

    id = "ticker"

    def __init__(self, *answers, **options):
        super().__init__(**{"interval": HOUR, **options})
        self.answers = list(answers)
        self.ticks = SimpleQueue()
        self.within_tick = lambda: None

    def tick(self):
        answer = self.answers.pop(0) if self.answers else None
        self.within_tick()
        self.ticks.put(answer)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def next_tick(self):
        return self.ticks.get(timeout=PATIENCE)

    def is_pausing(self):
        try:
            self.ticks.get(timeout=GLANCE)
        except Empty:
            return True
        return False


@contextmanager
def looping(ticker):
    sender, raised = StopSender(), []
    thread = threading.Thread(
        target=lambda: raised.append(caught(lambda: ticker.run(sender.receiver()))),
        name="jobqueue-loop-under-test",
    )
    thread.start()
    try:
        yield
    finally:
        sender.send()
        thread.join(PATIENCE)
    assert raised == [None]


def test_is_a_task_that_lasts():
    assert Ticker().kind is ServiceTaskKind.TASK


def test_ticks_at_once_and_then_pauses_for_its_interval():
    ticker = Ticker()
    with looping(ticker):
        ticker.next_tick()

        assert ticker.is_pausing()


def test_ticks_again_when_the_interval_is_over():
    ticker = Ticker(interval=0.001)
    with looping(ticker):
        for _ in range(3):
            ticker.next_tick()


@pytest.mark.parametrize("asked", [0, 0.001])
def test_ticks_again_when_the_tick_said(asked):
    ticker = Ticker(asked, asked)
    with looping(ticker):
        assert [ticker.next_tick() for _ in range(3)] == [asked, asked, None]
        assert ticker.is_pausing()


def test_a_tick_may_ask_for_a_longer_pause_than_the_interval():
    ticker = Ticker(HOUR, interval=0.001)
    with looping(ticker):
        ticker.next_tick()

        assert ticker.is_pausing()


def test_a_wake_up_ends_the_pause():
    ticker = Ticker()
    with looping(ticker):
        ticker.next_tick()
        assert ticker.is_pausing()

        ticker.wake()

        ticker.next_tick()


def test_a_wake_up_during_a_tick_is_not_lost():
    ticker, woken = Ticker(), []

    def wake_in_the_first_tick():
        if not woken:
            woken.append(True)
            ticker.wake()

    ticker.within_tick = wake_in_the_first_tick
    with looping(ticker):
        ticker.next_tick()
        ticker.next_tick()

        assert ticker.is_pausing()


def test_stop_ends_the_pause_at_once():
    ticker, sender = Ticker(), StopSender()
    thread = threading.Thread(target=ticker.run, args=(sender.receiver(),), name="jobqueue-loop")
    thread.start()
    ticker.next_tick()
    sender.send()
    thread.join(PATIENCE)

    assert not thread.is_alive()


def test_stop_ends_a_back_off_at_once():
    ticker, sender = Ticker(ValueError(), backoff=HOUR, max_backoff=HOUR), StopSender()
    thread = threading.Thread(target=ticker.run, args=(sender.receiver(),), name="jobqueue-loop")
    thread.start()
    ticker.next_tick()
    sender.send()
    thread.join(PATIENCE)

    assert not thread.is_alive()


def test_a_stop_during_a_tick_lets_it_finish_and_begins_no_other():
    ticker, sender = Ticker(0, 0, 0), StopSender()
    ticker.within_tick = sender.send
    ticker.run(sender.receiver())

    assert ticker.ticks.qsize() == 1


def test_a_loop_whose_stop_has_come_does_not_tick():
    ticker, sender = Ticker(), StopSender()
    sender.send()
    ticker.run(sender.receiver())

    assert ticker.ticks.empty()


class Recovering(Ticker):
    """One that is well only when the test says so."""

    well = False

    def is_well(self):
        return self.well


class TestErrors:
    def test_never_end_the_loop(self):
        errors = [ValueError("a"), RuntimeError("b"), ValueError("c")]
        ticker = Ticker(*errors, backoff=0.001)
        with looping(ticker):
            assert [ticker.next_tick() for _ in range(4)] == [*errors, None]

    def test_back_off_longer_with_each_in_a_row_and_start_again_after_a_good_tick(self):
        ticker = Ticker(*(ValueError(), ValueError(), 0, ValueError()), jitter=0, backoff=1)

        assert [ticker.round() for _ in range(5)] == [1, 2, 0, 1, HOUR]

    def test_back_off_although_somebody_wakes(self):
        ticker = Ticker(ValueError(), backoff=HOUR, max_backoff=HOUR)
        with looping(ticker):
            ticker.next_tick()
            ticker.wake()

            assert ticker.is_pausing()

    def test_go_on_until_the_task_says_that_it_is_well(self, caplog):
        ticker = Recovering(ValueError(), None, ValueError(), jitter=0, backoff=1)

        assert [ticker.round() for _ in range(3)] == [1, HOUR, 2]
        assert len(caplog.records) == 1


class TestTelling:
    @pytest.fixture(autouse=True)
    def all_levels(self, caplog):
        caplog.set_level("INFO")

    def test_the_first_of_many_failures_is_a_warning_with_its_text(self, caplog):
        ticker = Ticker(*[OSError("connection refused")] * 50)
        for _ in range(50):
            ticker.round()

        [record] = caplog.records
        assert record.levelname == "WARNING"
        assert record.getMessage() == "Task ticker fails: OSError: connection refused"
        assert record.exc_info[1].args == ("connection refused",)

    def test_while_they_last_they_are_called_to_mind_without_another_traceback(self, caplog):
        seconds = [0.0]
        ticker = Ticker(*[OSError("connection refused")] * 3)
        ticker._trouble = Trouble(elapsed=lambda: seconds[0])
        for seconds[0] in (0.0, 59.9, 60.0):
            ticker.round()

        [_, record] = caplog.records
        assert record.getMessage() == (
            "Task ticker still fails, 3 times by now: OSError: connection refused"
        )
        assert record.exc_info is None

    def test_the_recovery_is_told_once(self, caplog):
        ticker = Ticker(None, OSError(), None, None)
        for _ in range(4):
            ticker.round()

        assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
            ("WARNING", "Task ticker fails: OSError"),
            ("INFO", "Task ticker works again."),
        ]

    def test_an_answer_that_is_no_number_of_seconds_is_a_failure(self, caplog):
        Ticker("soon").round()

        assert "TypeError" in caplog.records[0].getMessage()


def test_a_task_error_ends_the_task_on_purpose():
    with pytest.raises(ServiceFailed, match="Task ticker failed: declared dead"):
        Service([Ticker(TaskError("declared dead"))]).run()


def test_an_exit_raised_in_a_tick_is_a_panic():
    with pytest.raises(ServiceFailed, match="Task ticker panicked: SystemExit: 3"):
        Service([Ticker(SystemExit(3))]).run()


class TestAfterTick:
    def test_comes_after_every_tick_in_the_thread_of_the_loop_failed_or_not(self):
        calls = SimpleQueue()
        ticker = Ticker(
            ValueError(),
            backoff=0.001,
            after_tick=lambda: calls.put((ticker.ticks.qsize(), threading.current_thread().name)),
        )
        with looping(ticker):
            expected = [(1, "jobqueue-loop-under-test"), (2, "jobqueue-loop-under-test")]
            assert [calls.get(timeout=PATIENCE) for _ in expected] == expected

    def test_an_error_in_it_counts_as_one_of_the_tick(self, caplog):
        def broken():
            raise OSError("could not close")

        ticker = Ticker(0, jitter=0, backoff=7, after_tick=broken)

        assert ticker.round() == 7
        assert "could not close" in caplog.text
