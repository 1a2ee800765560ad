"""A worker keeps to limits: its own, those of queues, of handlers and of concurrency keys."""

import threading

import pytest

from django_jobqueue import Constant, JobState, Queue
from django_jobqueue.core.limits import HandlerLimits
from django_jobqueue.models import Job
from django_jobqueue.store import store_for
from django_jobqueue.worker.looking import Looking

from .bench import Bench, Time
from .site import COMMITTED, Gate, Site


class TestPump:
    pytestmark = pytest.mark.django_db

    def test_no_more_of_a_queue_run_than_it_may_have_in_one_process(self) -> None:
        Queue("slow").configure(concurrency=1)
        bench = Bench(sync_slots=4)
        for _ in range(3):
            bench.enqueue(queue="slow")
        quick = bench.enqueue(queue="quick")

        bench.look()

        assert len(bench.running) == 2
        assert quick in bench.running
        assert Job.objects.filter(state="ready", attempt=0).count() == 2

    def test_the_next_of_a_full_queue_starts_when_one_has_ended(self) -> None:
        Queue("slow").configure(concurrency=1)
        bench = Bench(sync_slots=4)
        first, second = (bench.enqueue(queue="slow") for _ in range(2))
        bench.look()
        assert bench.running == [first]

        bench.end_all()
        bench.look()

        assert bench.running == [second]

    def test_a_limit_that_was_changed_holds_within_one_poll(self) -> None:
        Queue("slow").configure(concurrency=1)
        bench = Bench(sync_slots=4)
        for _ in range(3):
            bench.enqueue(queue="slow")
        bench.look()

        Queue("slow").configure(concurrency=None)
        bench.time.passes(1.0)
        bench.look()

        assert len(bench.running) == 3

    def test_without_any_limit_claims_are_given_none(self) -> None:
        bench = Bench()
        bench.enqueue()
        bench.look()

        assert bench.limits.limits(limited_room=1, refused=lambda seconds: None) is None

    def test_jobs_under_a_limit_are_not_claimed_ahead(self) -> None:
        bench = Bench(sync_slots=2)
        Queue("default").configure(max_running=100)
        for _ in range(50):
            bench.enqueue()

        bench.look()

        assert len(bench.running) == 2
        assert len(bench.in_hand) == 2

    def test_of_quick_jobs_under_a_limit_far_fewer_than_of_others_are_claimed_ahead(self) -> None:
        bench = Bench(sync_slots=2)
        bench.learn_that_jobs_are_quick()
        ahead = bench.slots.asks(["default"])[0][1] - 2
        Queue("default").configure(max_running=1000)
        bench.time.passes(1.0)
        for _ in range(ahead):
            bench.enqueue()

        bench.look()

        assert ahead >= 50
        assert 2 < len(bench.in_hand) <= 2 + ahead // 10

    def test_a_job_that_others_have_passed_runs_as_soon_as_there_is_room(self) -> None:
        bench = Bench(sync_slots=2, async_slots=0)
        bench.handler_limits.append(HandlerLimits(name="tests.sync", concurrency=1))
        first, second = (bench.enqueue(handler="tests.sync") for _ in range(2))
        for _ in range(9):
            bench.enqueue(handler="tests.other")
        bench.look()
        slow, _ = bench.sync.running
        for _ in range(3):
            bench.end(bench.sync.running[1])
            bench.look()
        assert (slow.job.id, second in bench.running) == (first, False)

        bench.end(slow)
        bench.look()

        assert second in bench.running

    def test_the_next_of_a_key_starts_in_the_look_that_writes_the_end_of_the_one_before(
        self,
    ) -> None:
        bench = Bench(sync_slots=2)
        first, second = (bench.enqueue(concurrency_key="k") for _ in range(2))
        bench.look()
        bench.time.passes(1.0)
        bench.look()  # finds no queue with a ready job any more
        assert bench.running == [first]

        bench.end_all()
        bench.pump.tick()

        assert bench.running == [second]

    def test_a_rate_has_the_pump_look_when_the_next_may_start(self) -> None:
        time = Time()
        looking = Looking(poll_seconds=10.0, elapsed=time)
        looking.begin()
        for _ in range(20):
            time.passes(1.0)
            looking.found(0, of=1)

        looking.ask_in(0.6)

        assert looking.due_in == pytest.approx(0.6)


class TestWorker:
    pytestmark = COMMITTED

    def test_a_full_handler_lets_others_run(self, site: Site) -> None:
        gate = Gate()
        slow = site.job(gate.pass_through, name="slow", concurrency=1)
        quick = site.counted("quick")
        first, second = slow.enqueue(), slow.enqueue()
        site.declared["quick"].enqueue()

        with site.working(concurrency=3) as running:
            running.polls()
            gate.entered()
            running.told.wait_for("job.succeeded")
            assert quick == ["quick"]
            assert (second.state, second.snapshot.attempt) == (JobState.READY, 0)
            gate.open()
            running.told.wait_for("job.succeeded", times=3)

        assert first.refresh().state == second.refresh().state == JobState.SUCCEEDED

    def test_a_full_queue_keeps_no_other_waiting(self, site: Site) -> None:
        gate = Gate()
        slow = site.job(gate.pass_through, name="slow", queue="slow")
        quick = site.counted("quick", queue="quick")
        Queue("slow").configure(concurrency=2)
        for _ in range(20):
            slow.enqueue()
        for _ in range(10):
            site.declared["quick"].enqueue()

        with site.working(concurrency=3) as running:
            running.told.wait_for("job.succeeded", times=10)
            assert len(quick) == 10
            assert Job.objects.filter(queue="slow").count() == 20
            gate.open()
            running.told.wait_for("job.succeeded", times=30)

    def test_jobs_of_one_key_run_one_after_another(self, site: Site) -> None:
        inside, most = threading.Semaphore(2), []

        @site.job(name="charge", concurrency_key="account:{account_id}", key_limit=2)
        def charge(account_id: int) -> None:
            most.append(inside.acquire(blocking=False))
            inside.release()

        for _ in range(20):
            charge.enqueue(account_id=1)
        with site.working(concurrency=8) as running:
            running.told.wait_for("job.succeeded", times=20)

        assert most == [True] * 20
        assert not Job.objects.exists()

    def test_a_key_of_a_call_is_taken_as_it_is(self, site: Site) -> None:
        site.counted("note")

        handle = site.declared["note"].using(concurrency_key="{braces}", key_limit=3).enqueue()

        row = Job.objects.get(pk=handle.id)
        assert (row.concurrency_key, row.key_limit) == ("{braces}", 3)
        site.work()
        assert handle.state is JobState.SUCCEEDED

    def test_a_queue_has_a_backoff_of_its_own(self, site: Site) -> None:
        @site.job(name="fails", queue="mail")
        def fails() -> None:
            raise ValueError

        @site.job(name="knows_better", queue="mail", backoff=Constant(7, jitter=0))
        def knows_better() -> None:
            raise ValueError

        Queue("mail").configure(backoff=Constant(1234, jitter=0))
        waits = [site.declared[name].enqueue() for name in ("fails", "knows_better")]
        site.work()

        rows = [Job.objects.get(pk=handle.id) for handle in waits]
        seconds = [(row.run_at - row.ready_at).total_seconds() for row in rows]
        assert seconds[0] - seconds[1] == pytest.approx(1227, abs=30)

    def test_what_is_blocked_when_a_worker_starts_runs(self, site: Site) -> None:
        runs = site.counted("note", concurrency_key="k")
        site.declared["note"].enqueue()
        Job.objects.update(state="blocked", blocked_by="key:k")

        with site.working() as running:
            running.told.wait_for("job.succeeded")

        assert runs == ["note"]

    def test_a_handler_keeps_to_its_rate(self, site: Site) -> None:
        runs = site.counted("note", rate="1/h", rate_burst=2)
        for _ in range(3):
            site.declared["note"].enqueue()

        site.work()

        assert runs == ["note", "note"]
        assert store_for("default").unblock().next_due_seconds == pytest.approx(3600, abs=60)
