"""How a worker ends: what runs may finish, the rest goes back as if it had never been claimed."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from django_jobqueue import JobContext, JobState
from django_jobqueue.core.errors import JobReleased
from django_jobqueue.core.states import WorkerState
from django_jobqueue.models import AttemptRecord, Job, WorkerRecord
from django_jobqueue.service import StopSender
from django_jobqueue.worker.draining import Drain
from django_jobqueue.worker.hands import HeldJob
from django_jobqueue.worker.timeouts import TimeoutWatch
from django_jobqueue.worker.watching import Watching
from tests.claims import a_claim

from .bench import Bench
from .site import COMMITTED, PATIENCE, Gate, Site, the_attempt_of, within

pytestmark = COMMITTED


def test_what_runs_is_finished_and_nothing_more_is_claimed(site: Site) -> None:
    gate, runs = Gate(), site.counted("later")
    running = site.job(gate.pass_through, name="slow").enqueue()
    with site.working(concurrency=1) as it:
        gate.entered()
        waiting = site.declared["later"].enqueue()
        it.worker.stop()
        gate.open()
        it.end()

    assert (runs, waiting.state) == ([], JobState.READY)
    assert running.refresh().state == JobState.SUCCEEDED
    assert WorkerRecord.objects.get().state == WorkerState.STOPPED


def test_jobs_that_were_claimed_ahead_go_back_in_place_and_unspent() -> None:
    bench = Bench(sync_slots=1, drain_seconds=0)
    bench.learn_that_jobs_are_quick()
    ids = [bench.enqueue() for _ in range(3)]
    before = dict(Job.objects.values_list("pk", "ready_at"))
    while bench.pump.tick():
        pass
    assert (bench.running, len(bench.in_hand)) == (ids[:1], 3)
    stop = StopSender()
    stop.send()
    bench.pump.run(stop.receiver())

    rows = Job.objects.order_by("pk")
    assert [(row.state, row.attempt) for row in rows] == [(JobState.READY, 0)] * 3
    assert dict(Job.objects.values_list("pk", "ready_at")) == before
    assert not AttemptRecord.objects.filter(job_id__in=ids[1:]).exists()


def test_jobs_that_were_claimed_ahead_do_not_start_while_it_drains() -> None:
    bench = Bench(sync_slots=2, drain_seconds=600)
    bench.learn_that_jobs_are_quick()
    ids = [bench.enqueue() for _ in range(4)]
    bench.look()
    assert (bench.running, len(bench.sync.parked)) == (ids[:2], 2)
    stop = StopSender()
    stop.send()

    def run_to_the_end() -> None:
        try:
            bench.pump.run(stop.receiver())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        draining = pool.submit(run_to_the_end)
        given_back = within(PATIENCE, lambda: Job.objects.filter(state="ready").count() == 2)
        bench.end_all()
        started = bench.running
        bench.pump.hurry()
        draining.result(PATIENCE)

    assert given_back, "they wait in hand for as long as it drains"
    assert started == []
    rows = Job.objects.filter(pk__in=ids[2:])
    assert [(row.state, row.attempt) for row in rows] == [(JobState.READY, 0)] * 2


def test_a_handler_that_does_not_end_in_time_is_given_up_and_its_job_given_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Drain, "INTERRUPT_SECONDS", Drain.HURRY_SECONDS)
    gate = Gate()

    @site.job
    def stuck(context: JobContext) -> None:
        context.log("half of it is done")
        gate.pass_through()

    handle = stuck.enqueue()
    with site.working(drain=0) as it:
        gate.entered()
        it.worker.stop()
        it.end()
        assert it.worker.abandoned
        row = Job.objects.get(pk=handle.id)
        assert (row.state, row.attempt, row.rescues) == (JobState.READY, 0, 0)
        assert the_attempt_of(handle).outcome == "released"
        assert "shutdown" in the_attempt_of(handle).message
        assert the_attempt_of(handle).log == ["half of it is done"]
        gate.open()

    assert within(PATIENCE, lambda: not runners_alive())
    assert handle.refresh().state == JobState.READY, "its late answer is nobody's"


def runners_alive() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("jobqueue-runner")]


def test_an_async_handler_is_cancelled_after_the_drain_and_given_back(site: Site) -> None:
    entered, cleaned_up = threading.Event(), []

    @site.job
    async def wait_for_ever() -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            cleaned_up.append(True)

    handle = wait_for_ever.enqueue()
    with site.working(drain=0) as it:
        assert entered.wait(PATIENCE)
        it.worker.stop()
        it.end()

        assert not it.worker.abandoned
    assert cleaned_up == [True]
    row = Job.objects.get(pk=handle.id)
    assert (row.state, row.attempt) == (JobState.READY, 0)
    assert the_attempt_of(handle).outcome == "released"


def test_a_sync_handler_gets_an_exception_after_the_drain_and_is_given_back(site: Site) -> None:
    began, raised = threading.Event(), []

    @site.job(max_attempts=1)
    def spin(context: JobContext) -> None:
        context.log("spinning")
        began.set()
        try:
            while True:
                pass
        except BaseException as error:
            raised.append(type(error))
            raise ValueError("whatever it makes of that") from error

    handle = spin.enqueue()
    with site.working(drain=0) as it:
        assert began.wait(PATIENCE)
        it.worker.stop()
        it.end()

        assert not it.worker.abandoned
    assert raised == [JobReleased]
    row = Job.objects.get(pk=handle.id)
    assert (row.state, row.attempt) == (JobState.READY, 0)
    attempt = the_attempt_of(handle)
    assert (attempt.outcome, attempt.log) == ("released", ["spinning"])
    assert "shutdown" in attempt.message


def test_what_is_released_before_it_began_does_not_begin(site: Site) -> None:
    runs = site.counted("late")
    held = HeldJob(a_claim(handler="late"), site.registry.get("late"))
    watching = Watching()
    watch = TimeoutWatch(watching)
    watch.release(held)

    with pytest.raises(JobReleased):
        watch.run(held, held.handler.function)
    watching.stop()

    assert runs == []


def test_a_second_signal_ends_the_drain(site: Site) -> None:
    gate = Gate()
    handle = site.job(gate.pass_through, name="stuck").enqueue()
    with site.working(drain=600) as it:
        gate.entered()
        it.worker.stop()
        it.worker.hurry()
        it.end()
        assert handle.refresh().state == JobState.READY
        gate.open()

    assert within(PATIENCE, lambda: not runners_alive())


def test_the_heartbeat_goes_on_until_nothing_is_in_hand(site: Site) -> None:
    gate = Gate()

    @site.job
    def slow(context: JobContext) -> bool:
        gate.pass_through()
        return context.lease_lost

    handle = slow.enqueue()
    with site.working(heartbeat_interval=0.02, lease=0.5, drain=30) as it:
        gate.entered()
        it.worker.stop()
        first = WorkerRecord.objects.get().lease_expires_at
        assert within(PATIENCE, lambda: WorkerRecord.objects.get().lease_expires_at > first)
        gate.open()
        it.end()

    assert (handle.refresh().state, handle.result) == (JobState.SUCCEEDED, False)


def test_a_worker_may_be_stopped_before_it_has_begun(site: Site) -> None:
    worker = site.build()
    worker.stop()

    worker.run()

    assert not WorkerRecord.objects.filter(state=WorkerState.ALIVE).exists()


@pytest.mark.parametrize("until_empty", [True, False])
def test_no_thread_of_a_worker_outlives_it(site: Site, *, until_empty: bool) -> None:
    runs = site.counted("work")
    site.registry.get("work")
    before = set(threading.enumerate())
    Job.objects.create(handler="work")
    if until_empty:
        site.work()
    else:
        with site.working() as it:
            site.told.wait_for("job.succeeded")
            it.worker.stop()

    assert runs == ["work"]
    left = {one for one in threading.enumerate() if one.name.startswith("jobqueue")} - before
    assert not left
