"""The memory queue: retries and answers."""

import asyncio
from datetime import timedelta

import pytest

from django_jobqueue import (
    Cancel,
    Constant,
    Discard,
    MemoryJob,
    NoRetry,
    Retry,
    Snooze,
    Succeed,
    Unprocessable,
)
from django_jobqueue.core.retry import RetryPolicy

from .operations import until
from .queues import AT_ONCE, NOON, Noon, Recorder, ended, of


class TestRetrying:
    def test_without_retry_the_first_failure_is_final(self, make):
        handler = Recorder(ValueError("no such account"))
        queue = of(handler, make, clock=Noon())
        queue.push("send", {"n": 1})

        ended(queue)

        [letter] = queue.dead_letters()
        assert letter.error == "job handler error: no such account"
        assert (letter.id, letter.name, letter.payload) == (1, "send", {"n": 1})
        assert (letter.attempts, letter.failed_at) == (1, NOON)

    @pytest.mark.parametrize("retry", [NoRetry, NoRetry(), RetryPolicy(max_attempts=1)])
    def test_no_retry_may_be_said_in_each_form(self, make, retry):
        handler = Recorder(ValueError())
        queue = of(handler, make, retry=retry)
        queue.push("send")

        ended(queue)

        assert len(handler.jobs) == 1

    def test_the_handler_sees_its_attempt(self, make):
        handler = Recorder(*[ValueError()] * 9)
        queue = of(handler, make, retry=RetryPolicy(max_attempts=4, backoff=AT_ONCE))
        queue.push("send")

        ended(queue)

        assert [job.attempt for job in handler.jobs] == [1, 2, 3, 4]
        assert queue.dead_letters()[0].attempts == 4

    def test_a_retry_goes_to_the_back(self, make):
        handler = Recorder(ValueError())
        queue = of(handler, make, retry=AT_ONCE)
        for payload in ("fails", "second", "third"):
            queue.push("send", payload)

        ended(queue)

        assert handler.payloads == ["fails", "second", "third", "fails"]

    def test_a_retry_waits_out_its_backoff(self, make):
        handler = Recorder(ValueError())
        queue = of(handler, make, retry=Constant(60))
        queue.push("send")
        queue.start()

        until(lambda: len(handler.jobs) == 1 and queue.inflight_count() == 0)

        assert queue.pending_count() == 1

    def test_a_failure_that_is_not_worth_it_is_final(self, make):
        policy = RetryPolicy(backoff=AT_ONCE, discard_on=(KeyError,))
        handler = Recorder(KeyError("gone"))
        queue = of(handler, make, retry=policy)
        queue.push("send")

        ended(queue)

        assert len(handler.jobs) == len(queue.dead_letters()) == 1

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(2), GeneratorExit()])
    def test_no_error_of_a_handler_costs_a_worker(self, make, error):
        handler = Recorder(error)
        queue = of(handler, make)
        queue.push("send", 1)
        queue.push("send", 2)

        ended(queue)

        assert handler.payloads == [1, 2]
        assert len(queue.dead_letters()) == 1

    def test_an_error_without_words_is_told_by_its_type(self, make):
        queue = of(Recorder(ZeroDivisionError()), make)
        queue.push("send")

        ended(queue)

        assert queue.dead_letters()[0].error == "job handler error: ZeroDivisionError"


class TestAnswering:
    @pytest.mark.parametrize("answer", [Succeed(1), Cancel("no"), ValueError("a value"), None, 7])
    def test_these_end_well_when_they_are_returned(self, make, answer):
        queue = of(lambda job: answer, make)
        queue.push("send")

        ended(queue)

        assert queue.dead_letters() == ()

    @pytest.mark.parametrize("answer", [Discard("no account"), Unprocessable("no account")])
    @pytest.mark.parametrize("raises", [True, False], ids=["raised", "returned"])
    def test_giving_up_is_final(self, make, answer, raises):
        def handler(job: MemoryJob) -> object:
            if raises:
                raise answer
            return answer

        queue = of(handler, make, retry=AT_ONCE)
        queue.push("send")

        ended(queue)

        [letter] = queue.dead_letters()
        assert (letter.error, letter.attempts) == ("job handler error: no account", 1)

    def test_an_answer_to_retry_spends_an_attempt(self, make):
        handler = Recorder(*[Retry("later", delay=0.001)] * 3)
        queue = of(handler, make, retry=AT_ONCE)
        queue.push("send")

        ended(queue)

        assert [job.attempt for job in handler.jobs] == [1, 2, 3]
        assert queue.dead_letters()[0].error == "job handler error: later"

    def test_an_answer_to_snooze_spends_none(self, make):
        handler = Recorder(*[Snooze(at=NOON + timedelta(milliseconds=1))] * 5)
        queue = of(handler, make, clock=Noon())
        queue.push("send")

        ended(queue)

        assert [job.attempt for job in handler.jobs] == [1] * 6
        assert queue.dead_letters() == ()

    @pytest.mark.parametrize(
        ("answer", "at_once"),
        [
            (Retry(delay=0.0), False),
            (Retry(delay=0.0, exact=True), True),
            (Retry(at=NOON, exact=True), True),
            (Snooze(delay=0.0), False),
        ],
    )
    def test_a_delay_shortens_the_backoff_only_if_it_is_exact(self, make, answer, at_once):
        handler = Recorder(answer)
        queue = of(handler, make, retry=Constant(60), clock=Noon())
        queue.push("send")
        queue.start()
        until(lambda: len(handler.jobs) >= 1 and not queue.inflight_count())

        if at_once:
            until(lambda: len(handler.jobs) == 2)
        else:
            assert queue.pending_count() == 1

    def test_a_coroutine_function_may_be_a_handler(self, make):
        seen: list[object] = []

        async def handler(job: MemoryJob) -> None:
            await asyncio.sleep(0)
            seen.append(job.attempt)
            if job.attempt == 1:
                raise ValueError

        queue = of(handler, make, retry=AT_ONCE)
        queue.push("send")

        ended(queue)

        assert seen == [1, 2]
