"""What the pump claims, and when: one tick at a time."""

import pytest

from django_jobqueue import JobState, Queue
from django_jobqueue.core.specs import ClaimedJob, FinishedJob, Transition
from django_jobqueue.core.states import DeathReason
from django_jobqueue.jobs.handlers import Handler
from django_jobqueue.models import DeadJob, Job

from .bench import Bench, registry

pytestmark = pytest.mark.django_db


class TestRoom:
    def test_it_claims_no_more_than_it_has_slots_for(self) -> None:
        bench = Bench(sync_slots=2)
        ids = [bench.enqueue() for _ in range(5)]

        bench.pump.tick()

        assert bench.running == ids[:2]
        assert Job.objects.filter(state="ready").count() == 3

    def test_a_job_that_ended_makes_room_in_the_same_round_trip(self) -> None:
        bench = Bench(sync_slots=1)
        first, second = bench.enqueue(), bench.enqueue()
        bench.pump.tick()

        bench.end_all()
        claimed = bench.pump.tick()

        assert (bench.state_of(first), claimed, bench.running) == (JobState.SUCCEEDED, 1, [second])

    def test_it_claims_nothing_while_its_slots_are_full(self) -> None:
        bench = Bench(sync_slots=1, async_slots=1)
        for _ in range(2):
            bench.enqueue()
            bench.enqueue(is_async=True)
        while bench.pump.tick():
            pass
        held = len(bench.in_hand)
        bench.pump.wake()

        assert (bench.pump.tick(), len(bench.in_hand)) == (0, held)

    def test_sync_jobs_that_fill_all_threads_keep_no_async_job_of_another_queue_waiting(
        self,
    ) -> None:
        bench = Bench(sync_slots=1, async_slots=1)
        for _ in range(3):
            bench.enqueue(queue="slow")
        bench.pump.tick()
        quick = bench.enqueue(queue="quick", is_async=True)
        bench.time.passes(2)

        bench.pump.tick()

        assert quick in bench.running

    def test_a_sync_job_of_an_unknown_queue_goes_back_untouched_while_the_threads_are_full(
        self,
    ) -> None:
        bench = Bench(sync_slots=1, async_slots=1)
        running = bench.enqueue(queue="slow")
        bench.pump.tick()
        stranger = bench.enqueue(queue="strange")
        for _ in range(4):
            bench.time.passes(2)
            bench.pump.tick()

        assert bench.running == [running]
        assert [held.job.id for held in bench.in_hand.all()] == [running]
        row = Job.objects.get(pk=stranger)
        assert (row.state, row.attempt) == (JobState.READY, 0)

    def test_with_the_threads_full_it_rests_between_its_looks(self) -> None:
        """The other lane has room, so it goes on looking; but not without a pause."""
        bench = Bench(sync_slots=1)
        bench.enqueue()
        bench.enqueue()
        bench.pump.tick()
        rests = []
        for _ in range(40):
            rests.append(bench.pump.rest())
            bench.time.passes(rests[-1])
            bench.pump.tick()

        assert sum(rests) > 1

    def test_a_job_that_may_not_run_is_buried_and_holds_no_slot(self) -> None:
        poison = Transition(state=JobState.DEAD, reason=DeathReason.POISON)
        bench = Bench(sync_slots=1, prepare=lambda job: FinishedJob(job, poison))
        first, second = bench.enqueue(), bench.enqueue()

        while bench.pump.tick():
            pass

        assert [bench.state_of(one) for one in (first, second)] == [JobState.DEAD] * 2
        assert len(bench.in_hand) == 0

    def test_a_job_that_nobody_can_make_anything_of_keeps_no_other_from_running(self) -> None:
        def prepare(job: ClaimedJob) -> Handler:
            if job.id == bad:
                raise TypeError("'<' is not for these")
            return registry.get(job.handler)

        bench = Bench(sync_slots=3, prepare=prepare)
        first, bad, last = (bench.enqueue() for _ in range(3))
        bench.look()
        bench.pump.tick()

        assert bench.running == [first, last]
        row = DeadJob.objects.get(pk=bad)
        assert row.reason == DeathReason.UNPROCESSABLE
        assert "TypeError: '<' is not for these" in row.error["message"]


class TestRescheduled:
    def test_whoever_promotes_is_told_when_a_job_was_scheduled_anew(self) -> None:
        bench = Bench()
        bench.enqueue()
        bench.look()
        bench.end(bench.sync.running[0], state=JobState.SCHEDULED, delay=5.0)
        bench.pump.tick()

        assert bench.rescheduled == [True]

    @pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.READY])
    def test_and_not_for_any_other_end(self, state: JobState) -> None:
        bench = Bench()
        bench.enqueue()
        bench.look()
        bench.end(bench.sync.running[0], state=state)
        bench.outbox.write()

        assert bench.rescheduled == []


class TestMembership:
    def test_it_claims_nothing_before_it_is_registered(self) -> None:
        bench = Bench()
        bench.membership.replaced()
        bench.enqueue()

        assert bench.pump.tick() == 0

    def test_it_claims_nothing_once_its_heartbeats_are_late_and_writes_all_the_same(self) -> None:
        bench = Bench()
        done, waiting = bench.enqueue(), bench.enqueue(queue="other")
        bench.pump.tick()
        held = bench.in_hand.all()
        bench.time.passes(25)
        for one in held:
            bench.end(one)
        more = bench.enqueue()
        bench.pump.wake()

        assert bench.pump.tick() == 0
        assert bench.state_of(done) == bench.state_of(waiting) == JobState.SUCCEEDED
        assert bench.state_of(more) == JobState.READY


class TestQueues:
    def test_nothing_is_claimed_from_a_paused_queue(self) -> None:
        bench = Bench()
        Queue("mail").pause()
        waiting, other = bench.enqueue(queue="mail"), bench.enqueue(queue="other")

        bench.pump.tick()

        assert bench.running == [other]
        assert bench.state_of(waiting) == JobState.READY

    def test_a_resumed_queue_is_served_again(self) -> None:
        bench = Bench()
        Queue("mail").pause()
        waiting = bench.enqueue(queue="mail")
        bench.pump.tick()

        Queue("mail").resume()
        bench.pump.wake()
        bench.pump.tick()

        assert bench.running == [waiting]

    def test_only_the_queues_it_was_given_are_served(self) -> None:
        bench = Bench(queues=["mail"])
        other, mine = bench.enqueue(queue="other"), bench.enqueue(queue="mail")

        bench.pump.tick()

        assert bench.running == [mine]
        assert bench.state_of(other) == JobState.READY

    def test_in_turn_each_queue_comes_first(self) -> None:
        bench = Bench(sync_slots=1, queues=["a", "b"])
        for queue in ("a", "b", "a", "b"):
            bench.enqueue(queue=queue)
        served = []
        for _ in range(4):
            bench.pump.tick()
            served += [held.job.queue for held in bench.sync.running]
            bench.end_all()

        assert sorted(served[:2]) == sorted(served[2:]) == ["a", "b"]

    def test_in_strict_order_the_first_queue_goes_first_whatever_waits_elsewhere(self) -> None:
        bench = Bench(sync_slots=1, queues=["urgent", "bulk"], strict=True)
        for queue in ("bulk", "bulk", "urgent", "urgent"):
            bench.enqueue(queue=queue)
        served = []
        for _ in range(4):
            bench.pump.tick()
            served += [held.job.queue for held in bench.sync.running]
            bench.end_all()

        assert served == ["urgent", "urgent", "bulk", "bulk"]

    def test_a_queue_that_is_new_is_found_by_polling_alone(self) -> None:
        bench = Bench()
        while bench.pump.tick():
            pass
        new = bench.enqueue(queue="brand new")
        for _ in range(20):
            bench.time.passes(bench.pump.rest())
            bench.pump.tick()
            if bench.running:
                break

        assert bench.running == [new]


class TestRest:
    def test_an_idle_pump_rests_longer_and_longer_up_to_its_poll_interval(self) -> None:
        bench = Bench(poll_seconds=2.0)
        bench.time.passes(10)
        rests = []
        for _ in range(40):
            bench.membership.renewed(bench.membership.moment())
            bench.pump.tick()
            rests.append(bench.pump.rest())
            bench.time.passes(rests[-1])

        assert rests[0] < 0.02
        assert 1.7 < rests[-1] < 2.3

    def test_a_wake_up_makes_it_look_at_once(self) -> None:
        bench = Bench()
        for _ in range(10):
            bench.pump.tick()
            bench.time.passes(bench.pump.rest())
        bench.pump.tick()
        bench.pump.wake()

        assert bench.pump.rest() == 0

    def test_a_full_claim_is_followed_by_another_look_without_a_rest(self) -> None:
        bench = Bench(sync_slots=1, async_slots=1)
        bench.enqueue()
        bench.pump.tick()

        assert bench.pump.rest() == 0
