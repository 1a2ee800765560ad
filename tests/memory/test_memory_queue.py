"""The memory queue: pushing, registering, looking."""

import math
import threading

import pytest

from django_jobqueue import (
    HandlerAlreadyRegistered,
    MemoryJob,
    MemoryQueue,
    PayloadNotSerialised,
    QueueFull,
)

from .operations import PATIENCE, until
from .queues import AT_ONCE, Recorder, ended, of


class TestPushing:
    def test_ids_count_from_1(self, make):
        queue = make()

        assert [queue.push("a"), queue.push("b"), queue.push_delayed("c", delay=60)] == [1, 2, 3]

    def test_jobs_run_first_in_first_out(self, make):
        handler = Recorder()
        queue = of(handler, make)
        for number in range(1_000):
            queue.push("send", number)

        ended(queue)

        assert handler.payloads == list(range(1_000))

    def test_pushes_may_precede_the_start_which_is_required(self, make):
        handler = Recorder()
        queue = of(handler, make)
        queue.push("send", "early")
        assert queue.pending_count() == 1
        assert handler.jobs == []

        ended(queue)

        assert handler.payloads == ["early"]

    def test_a_handler_is_given_the_job(self, make):
        handler = Recorder()
        queue = of(handler, make)
        queue.push("send", {"to": ["ada", 1.5, None]})

        ended(queue)

        payload = {"to": ["ada", 1.5, None]}
        assert handler.jobs == [MemoryJob(id=1, name="send", payload=payload, attempt=1)]

    def test_a_handler_has_a_copy_of_the_payload_for_each_attempt(self, make):
        seen: list[object] = []

        def handler(job: MemoryJob) -> None:
            seen.append(list(job.payload))
            job.payload.append("spoilt")
            raise ValueError

        pushed = ["as it was"]
        queue = of(handler, make, retry=AT_ONCE)
        queue.push("send", pushed)
        pushed.append("changed later")

        ended(queue)

        assert seen == [["as it was"]] * 3

    @pytest.mark.parametrize(
        ("payload", "why"),
        [
            ({"user": {1, 2}}, "user is of type set"),
            (math.nan, "payload is nan"),
            ("\x00", "payload contains a NUL character"),
            ([object()], "payload[0] is of type object"),
        ],
    )
    def test_what_has_no_json_form_is_refused_at_push(self, make, payload, why):
        queue = make()

        with pytest.raises(PayloadNotSerialised) as refused:
            queue.push("send", payload)

        told = str(refused.value)
        assert told.startswith("failed to serialize job payload: ")
        assert why.removeprefix("payload") in told
        assert queue.pending_count() == 0

    def test_a_queue_that_is_full_refuses(self, make):
        queue = of(Recorder(), make, max_pending=2)
        queue.push("send")
        queue.push_delayed("send", delay=60)

        with pytest.raises(QueueFull) as refused:
            queue.push("send")

        assert str(refused.value) == "queue full"
        assert refused.value.max_pending == 2

    def test_a_full_queue_has_room_again_once_a_job_is_taken(self, make):
        begun, may_end = threading.Event(), threading.Event()

        def handler(job: MemoryJob) -> None:
            begun.set()
            assert may_end.wait(PATIENCE)

        queue = of(handler, make, max_pending=1)
        queue.push("send")
        queue.start()
        assert begun.wait(PATIENCE)

        queue.push("send")
        with pytest.raises(QueueFull):
            queue.push("send")
        may_end.set()

    def test_a_retry_finds_its_place_in_a_full_queue(self, make):
        def handler(job: MemoryJob) -> None:
            if job.payload == "first" and job.attempt == 1:
                queue.push("send", "second")
                raise ValueError

        queue = of(handler, make, max_pending=1, retry=AT_ONCE)
        queue.push("send", "first")
        queue.start()

        until(lambda: not (queue.pending_count() or queue.inflight_count()))

        assert queue.dead_letters() == ()

    @pytest.mark.parametrize(
        ("options", "why"),
        [
            ({"workers": 0}, "workers=0: a memory queue needs at least one"),
            ({"max_pending": 0}, "max_pending=0: at least one job must have a place"),
        ],
    )
    def test_a_queue_that_could_do_nothing_is_refused(self, options, why):
        with pytest.raises(ValueError, match=why):
            MemoryQueue(**options)


class TestRegistering:
    def test_a_name_twice_is_refused(self, make):
        handler = Recorder()
        queue = of(handler, make)

        with pytest.raises(HandlerAlreadyRegistered, match=r"'send' is already .* of its own\.$"):
            queue.register("send", handler)

    def test_what_cannot_be_called_is_refused(self, make):
        with pytest.raises(TypeError, match="'send' cannot be called: 7"):
            make().register("send", 7)

    def test_a_name_may_be_registered_after_the_push(self, make):
        queue, handler = make(), Recorder()
        queue.push("send", 1)
        queue.register("send", handler)

        ended(queue)

        assert handler.payloads == [1]

    def test_an_unknown_name_is_a_dead_letter_that_was_never_in_flight(self, make):
        queue = make()
        queue.push("nobody", {"n": 1})

        ended(queue)

        [letter] = queue.dead_letters()
        assert (letter.name, letter.error) == ("nobody", "no handler registered")
        assert letter.attempts == 0


class TestLooking:
    def test_the_counts_tell_waiting_from_running(self, make):
        begun, may_end = threading.Semaphore(0), threading.Event()

        def handler(job: MemoryJob) -> None:
            begun.release()
            assert may_end.wait(PATIENCE)

        queue = of(handler, make, workers=2)
        for _ in range(5):
            queue.push("send")
        queue.push_delayed("send", delay=60)
        assert (queue.pending_count(), queue.inflight_count()) == (6, 0)

        queue.start()
        assert begun.acquire(timeout=PATIENCE)
        assert begun.acquire(timeout=PATIENCE)

        assert (queue.pending_count(), queue.inflight_count()) == (4, 2)
        may_end.set()

    def test_dead_letters_are_told_in_order_until_they_are_cleared(self, make):
        queue = make()
        for name in ("a", "b"):
            queue.push(name)
        ended(queue)
        assert [letter.name for letter in queue.dead_letters()] == ["a", "b"]

        assert queue.clear_dead_letters() == 2

        assert queue.dead_letters() == ()
        assert queue.clear_dead_letters() == 0

    def test_workers_run_side_by_side(self, make):
        together = threading.Barrier(4, timeout=PATIENCE)
        queue = of(lambda job: together.wait(), make, workers=4)
        for _ in range(4):
            queue.push("send")

        ended(queue)

        assert queue.dead_letters() == ()
