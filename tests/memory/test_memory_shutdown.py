"""How a memory queue ends."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from django_jobqueue import Constant, MemoryJob, MemoryQueue, QueueShutDown, Snooze

from .operations import PATIENCE, until

NOT_RUN = "queue shutdown before job ran"


class Gate:
    """A handler that lets the test decide when it ends, and how."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Semaphore(0), threading.Event()
        self.answer: object = None
        self.seen: list[object] = []

    def __call__(self, job: MemoryJob) -> object:
        self.begun.release()
        assert self.may_end.wait(PATIENCE)
        self.seen.append(job.payload)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.may_end.set()


@pytest.fixture
def queue(gate: Gate) -> Iterator[MemoryQueue]:
    queue = MemoryQueue(1, retry=Constant(60))
    queue.register("send", gate)
    yield queue
    gate.may_end.set()
    assert queue.shutdown(PATIENCE, pending="bury")


def errors(queue: MemoryQueue) -> list[str]:
    return [letter.error for letter in queue.dead_letters()]


def in_hand(queue: MemoryQueue, gate: Gate, *payloads: object) -> None:
    """Start with these jobs, of which the first is running."""
    for payload in payloads:
        queue.push("send", payload)
    queue.start()
    assert gate.begun.acquire(timeout=PATIENCE)


class TestAfterwards:
    def test_a_push_is_refused(self, queue):
        queue.shutdown()

        for push in (
            lambda: queue.push("send"),
            lambda: queue.push_delayed("send", delay=1),
            lambda: queue.push_dedup("send", key="k"),
        ):
            with pytest.raises(QueueShutDown) as refused:
                push()
            assert str(refused.value) == "queue has been shut down"

    def test_a_start_is_refused(self, queue):
        queue.shutdown()

        with pytest.raises(QueueShutDown):
            queue.start()

    def test_a_second_shutdown_only_warns(self, queue, caplog):
        queue.start()
        assert queue.shutdown(PATIENCE)
        assert caplog.records == []

        assert queue.shutdown(PATIENCE)

        [told] = caplog.records
        assert told.getMessage() == "the memory queue was shut down before"

    def test_a_second_start_only_warns(self, queue, caplog):
        queue.start()

        queue.start()

        [told] = caplog.records
        assert "was started before" in told.getMessage()


class TestRunning:
    def test_what_waits_is_run_unless_said_otherwise(self, queue, gate):
        gate.may_end.set()
        in_hand(queue, gate, 1, 2, 3)

        assert queue.shutdown(PATIENCE)

        assert gate.seen == [1, 2, 3]
        assert errors(queue) == []

    def test_what_waits_for_its_time_is_run_too(self, queue, gate):
        gate.may_end.set()
        queue.push_delayed("send", "late", delay=0.02)
        queue.start()

        assert queue.shutdown(PATIENCE)

        assert gate.seen == ["late"]

    def test_what_waits_for_its_retry_is_run_too(self, gate):
        queue = MemoryQueue(1, retry=Constant(0.01))
        queue.register("send", gate)
        gate.answer = ValueError("no")
        gate.may_end.set()
        in_hand(queue, gate, "again")

        assert queue.shutdown(PATIENCE)

        assert gate.seen == ["again"] * 3
        assert errors(queue) == ["job handler error: no"]

    def test_what_the_timeout_leaves_is_buried(self, queue, gate):
        in_hand(queue, gate, "running", "waiting")
        queue.push_delayed("send", "late", delay=60)

        assert queue.shutdown(0.01) is False

        assert errors(queue) == [NOT_RUN] * 2
        assert [letter.payload for letter in queue.dead_letters()] == ["waiting", "late"]
        assert queue.inflight_count() == 1

    def test_a_handler_that_ends_after_the_timeout_has_ended_well(self, queue, gate):
        in_hand(queue, gate, "running")
        assert queue.shutdown(0.01) is False

        gate.may_end.set()
        until(lambda: queue.inflight_count() == 0)

        assert gate.seen == ["running"]
        assert errors(queue) == []

    @pytest.mark.parametrize(
        ("answer", "error"),
        [(ValueError("no"), "job handler error: no"), (Snooze(), NOT_RUN)],
        ids=["failure", "snooze"],
    )
    def test_what_would_wait_again_after_the_timeout_is_buried(self, queue, gate, answer, error):
        gate.answer = answer
        in_hand(queue, gate, "running")
        assert queue.shutdown(0.01) is False

        gate.may_end.set()
        until(lambda: queue.inflight_count() == 0)

        assert errors(queue) == [error]

    def test_without_a_start_everything_is_buried(self, queue):
        queue.push("send")

        assert queue.shutdown(PATIENCE)

        assert errors(queue) == [NOT_RUN]


class TestBurying:
    def test_what_waits_is_buried_and_what_runs_ends(self, queue, gate):
        in_hand(queue, gate, "running", "waiting")
        queue.push_delayed("send", "late", delay=60)
        threading.Timer(0.02, gate.may_end.set).start()

        assert queue.shutdown(PATIENCE, pending="bury")

        assert gate.seen == ["running"]
        assert errors(queue) == [NOT_RUN] * 2

    def test_a_job_is_buried_once_though_its_turn_comes_all_the_same(self, queue, gate):
        in_hand(queue, gate, "running")
        queue.push("nobody")
        assert queue.shutdown(0.01, pending="bury") is False

        gate.may_end.set()
        assert queue.shutdown(PATIENCE)

        assert errors(queue) == [NOT_RUN]

    def test_a_job_that_ran_is_told_with_its_attempts(self, queue, gate):
        gate.answer = ValueError("no")
        gate.may_end.set()
        in_hand(queue, gate, "again")
        until(lambda: queue.pending_count() == 1)

        assert queue.shutdown(PATIENCE, pending="bury")

        [letter] = queue.dead_letters()
        assert (letter.attempts, letter.error) == (1, NOT_RUN)

    def test_a_second_shutdown_may_bury_what_the_first_waits_for(self, queue, gate):
        gate.may_end.set()
        queue.push_delayed("send", delay=60)
        queue.start()
        first = threading.Thread(target=queue.shutdown, args=(None,))
        first.start()
        until(lambda: queue._ledger.is_closed)

        assert queue.shutdown(PATIENCE, pending="bury")

        first.join(PATIENCE)
        assert errors(queue) == [NOT_RUN]

    def test_any_other_word_is_refused(self, queue):
        with pytest.raises(ValueError, match="pending='drop': must be 'run' or 'bury'"):
            queue.shutdown(pending="drop")


class TestAsync:
    def test_an_event_loop_may_push_and_await_the_end(self, queue, gate):
        async def main() -> bool:
            queue.start()
            for number in range(3):
                queue.push("send", number)
            asyncio.get_running_loop().call_later(0.01, gate.may_end.set)
            return await queue.ashutdown(PATIENCE)

        assert asyncio.run(main())

        assert gate.seen == [0, 1, 2]

    def test_the_timeout_counts_there_too(self, queue, gate):
        in_hand(queue, gate, "running", "waiting")

        assert asyncio.run(queue.ashutdown(0.01)) is False

        assert errors(queue) == [NOT_RUN]


def test_a_push_that_meets_a_shutdown_is_refused_run_or_buried():
    for _ in range(20):
        queue = MemoryQueue(2)
        run: list[object] = []
        queue.register("send", lambda job, run=run: run.append(job.payload))
        queue.start()
        pushed: list[int] = []

        def push(queue: MemoryQueue = queue, pushed: list[int] = pushed) -> None:
            try:
                while True:
                    pushed.append(queue.push("send", len(pushed)))
            except QueueShutDown:
                pass

        thread = threading.Thread(target=push)
        thread.start()
        until(lambda run=run: len(run) > 0)
        queue.shutdown(PATIENCE, pending="bury")
        thread.join(PATIENCE)

        assert len(run) + len(queue.dead_letters()) == len(pushed)
