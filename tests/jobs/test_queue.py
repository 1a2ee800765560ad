from datetime import UTC, datetime, timedelta

import pytest

from django_jobqueue import Queue, job
from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.core.states import JobState
from django_jobqueue.jobs.registry import Registry
from tests.handlers import add, greet

from . import functions
from .finishing import DEAD, SUCCEEDED, finish_next

pytestmark = pytest.mark.django_db

Told = list[tuple[str, dict[str, object]]]
LATER = datetime(2040, 1, 1, tzinfo=UTC)


class TestNames:
    @pytest.mark.parametrize("name", ["", "q" * 129, "a\nb", None, 7])
    def test_a_name_that_cannot_be_a_queue_is_refused(self, name: str):
        with pytest.raises(InvalidOptions, match="'queue'"):
            Queue(name)

    def test_queues_of_one_name_are_equal(self):
        assert Queue("mail") == Queue("mail")
        assert len({Queue("mail"), Queue("mail"), Queue("other")}) == 2
        assert repr(Queue("mail")) == "Queue('mail')"


class TestPausing:
    def test_a_pause_has_a_reason_and_an_end(self, told: Told):
        Queue("mail").pause("the relay is down", until=LATER)

        stats = Queue("mail").stats()
        assert stats.paused_at is not None
        assert (stats.pause_reason, stats.paused_until) == ("the relay is down", LATER)
        assert told == [
            ("queue.paused", {"queue": "mail", "reason": "the relay is down", "until": LATER})
        ]

    def test_a_naive_end_is_refused(self):
        with pytest.raises(InvalidOptions, match="'until' must be an aware datetime"):
            Queue("mail").pause(until=LATER.replace(tzinfo=None))

    def test_resuming_ends_the_pause_and_says_whether_there_was_one(self, told: Told):
        queue = Queue("mail")
        queue.pause()

        assert queue.resume()
        assert not queue.resume()
        assert queue.stats().paused_at is None
        assert [name for name, _ in told] == ["queue.paused", "queue.resumed"]


class TestJobs:
    def test_an_argument_of_a_handler_may_be_called_as_its_own(self):
        about = job(registry=Registry())(functions.about_a_job)

        handle = Queue("mail").enqueue(about, job="a")

        assert handle.snapshot.queue == "mail"
        assert handle.snapshot.payload == {"args": [], "kwargs": {"job": "a"}}

    def test_its_numbers_are_those_of_its_own_jobs(self):
        greet.enqueue("Ada")
        greet.using(delay=timedelta(hours=1)).enqueue("Bob")
        add.enqueue(1)

        stats = Queue("mail").stats()

        assert (stats.ready, stats.scheduled, stats.running, stats.dead) == (1, 1, 0, 0)

    def test_its_throughput_is_what_ended_in_the_last_minute_a_second(self):
        for _ in range(3):
            greet.enqueue("Ada")
            finish_next(SUCCEEDED, queue="mail")

        stats = Queue("mail").stats()

        assert (stats.finished_last_minute, stats.throughput) == (3, 0.05)

    def test_cancel_takes_all_of_its_own_jobs_and_no_others(self):
        mine, other = greet.enqueue("Ada"), add.enqueue(1)

        assert Queue("mail").cancel(reason="spring cleaning").cancelled == 1
        assert mine.state == JobState.CANCELLED
        assert other.state == JobState.READY

    def test_cancel_takes_what_the_criteria_name(self):
        tagged, plain = greet.using(tags=["x"]).enqueue("Ada"), greet.enqueue("Bob")

        Queue("mail").cancel(tag="x")

        assert (tagged.state, plain.state) == (JobState.CANCELLED, JobState.READY)

    def test_an_id_in_another_queue_is_not_its_job(self):
        other = add.enqueue(1)

        assert Queue("mail").cancel(other.id).cancelled == 0
        assert other.state == JobState.READY

    def test_another_queue_as_criterion_is_refused(self):
        with pytest.raises(InvalidOptions, match="is 'mail' already"):
            Queue("mail").cancel(queue="other")

    def test_its_dead_letters_are_requeued_and_no_others(self):
        mine, other = greet.enqueue("Ada"), add.enqueue(1)
        finish_next(DEAD, queue="mail")
        finish_next(DEAD)

        assert Queue("mail").requeue_dead().ids == (mine.id,)
        assert other.state == JobState.DEAD
