"""The memory queue: delays and keys."""

import math
from datetime import timedelta

import pytest

from django_jobqueue import (
    Constant,
)

from .operations import until
from .queues import Recorder, ended, of


class TestDelaying:
    def test_a_delayed_job_waits_while_others_pass(self, make):
        handler = Recorder()
        queue = of(handler, make)
        queue.push_delayed("send", "late", delay=timedelta(milliseconds=30))
        queue.push("send", "at once")

        ended(queue)

        assert handler.payloads == ["at once", "late"]

    def test_jobs_whose_time_comes_later_run_later(self, make):
        handler = Recorder()
        queue = of(handler, make)
        for delay in (0.06, 0.02, 0.04):
            queue.push_delayed("send", delay, delay=delay)

        ended(queue)

        assert handler.payloads == [0.02, 0.04, 0.06]

    def test_a_delay_that_is_none_is_a_push(self, make):
        handler = Recorder()
        queue = of(handler, make)
        queue.push_delayed("send", 1, delay=0)
        queue.push_delayed("send", 2, delay=-5)

        ended(queue)

        assert handler.payloads == [1, 2]

    @pytest.mark.parametrize("delay", [math.nan, math.inf])
    def test_a_delay_that_names_no_time_is_refused(self, make, delay):
        with pytest.raises(ValueError, match="must be a finite number"):
            make().push_delayed("send", delay=delay)

    def test_a_delay_of_ages_is_waited_for(self, make):
        queue = of(Recorder(), make)
        queue.push_delayed("send", delay=1e300)
        queue.start()

        assert queue.pending_count() == 1


class TestDeduplicating:
    def test_a_key_that_is_held_answers_with_its_job(self, make):
        handler = Recorder()
        queue = of(handler, make)

        ids = [queue.push_dedup("send", n, key="k") for n in range(3)]

        assert ids == [1, 1, 1]
        assert ended(queue)
        assert handler.payloads == [0]

    def test_other_keys_and_jobs_without_one_are_not_kept_out(self, make):
        queue = of(Recorder(), make)

        ids = [queue.push_dedup("send", key="a"), queue.push_dedup("send", key="b")]

        assert [*ids, queue.push("send")] == [1, 2, 3]

    @pytest.mark.parametrize("answer", [None, ValueError("no")], ids=["success", "death"])
    def test_a_key_is_free_once_its_job_is_over(self, make, answer):
        queue = of(Recorder(answer), make)
        queue.push_dedup("send", key="k")
        queue.start()
        until(lambda: not (queue.pending_count() or queue.inflight_count()))

        assert queue.push_dedup("send", key="k") == 2

    def test_a_retry_keeps_the_key(self, make):
        queue = of(Recorder(ValueError()), make, retry=Constant(60))
        queue.push_dedup("send", key="k")
        queue.start()
        until(lambda: queue.inflight_count() == 0 and queue.pending_count() == 1)

        assert queue.push_dedup("send", key="k") == 1

    def test_a_held_key_is_answered_by_a_full_queue_too(self, make):
        queue = of(Recorder(), make, max_pending=1)
        queue.push_dedup("send", key="k")

        assert queue.push_dedup("send", key="k") == 1
