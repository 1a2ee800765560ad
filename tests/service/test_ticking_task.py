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


class TestErrors:
    def test_never_end_the_loop_and_are_reported(self):
        errors = [ValueError("a"), RuntimeError("b"), ValueError("c")]
        reported = SimpleQueue()
        ticker = Ticker(
            *errors, backoff=0.001, on_error=lambda id, error: reported.put((id, error))
        )
        with looping(ticker):
            assert [ticker.next_tick() for _ in range(4)] == [*errors, None]
            assert [reported.get(timeout=PATIENCE) for _ in errors] == [
                ("ticker", error) for error in errors
            ]

    def test_are_logged_if_nobody_else_takes_them(self, caplog):
        ticker = Ticker(ValueError("no such table"), backoff=0.001)
        with looping(ticker):
            ticker.next_tick()
            ticker.next_tick()

        [record] = caplog.records
        assert record.getMessage() == "Tick of task ticker failed: ValueError: no such table"
        assert record.exc_info[1].args == ("no such table",)

    def test_back_off_longer_with_each_in_a_row_and_start_again_after_a_good_tick(self):
        ticker = Ticker(
            *(ValueError(), ValueError(), 0, ValueError()),
            jitter=0,
            backoff=1,
            on_error=lambda *_: None,
        )

        assert [ticker.round() for _ in range(5)] == [1, 2, 0, 1, HOUR]

    def test_back_off_although_somebody_wakes(self):
        ticker = Ticker(ValueError(), backoff=HOUR, max_backoff=HOUR, on_error=lambda *_: None)
        with looping(ticker):
            ticker.next_tick()
            ticker.wake()

            assert ticker.is_pausing()

    def test_in_on_error_do_not_end_the_loop_and_hide_nothing(self, caplog):
        def broken(task_id, error):
            raise RuntimeError("cannot report")

        ticker = Ticker(ValueError("no such table"), backoff=0.001, on_error=broken)
        with looping(ticker):
            ticker.next_tick()
            ticker.next_tick()

        assert [record.getMessage() for record in caplog.records] == [
            "Tick of task ticker failed: ValueError: no such table",
            "on_error of task ticker failed: RuntimeError: cannot report",
        ]

    def test_count_an_answer_that_is_no_number_of_seconds(self):
        reported = SimpleQueue()
        ticker = Ticker("soon", backoff=0.001, on_error=lambda id, error: reported.put(error))
        with looping(ticker):
            ticker.next_tick()
            ticker.next_tick()

        assert isinstance(reported.get_nowait(), TypeError)


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
            on_error=lambda *_: None,
            after_tick=lambda: calls.put((ticker.ticks.qsize(), threading.current_thread().name)),
        )
        with looping(ticker):
            expected = [(1, "jobqueue-loop-under-test"), (2, "jobqueue-loop-under-test")]
            assert [calls.get(timeout=PATIENCE) for _ in expected] == expected

    def test_an_error_in_it_counts_as_one_of_the_tick(self):
        reported = SimpleQueue()

        def broken():
            raise OSError("could not close")

        ticker = Ticker(
            0,
            backoff=HOUR,
            max_backoff=HOUR,
            on_error=lambda id, error: reported.put(str(error)),
            after_tick=broken,
        )
        with looping(ticker):
            assert reported.get(timeout=PATIENCE) == "could not close"
            ticker.next_tick()
            assert ticker.is_pausing()
