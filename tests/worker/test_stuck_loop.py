"""An event loop that a handler holds: what else runs there cannot end."""

import threading

import pytest

from django_jobqueue.models import Job
from django_jobqueue.worker.hands import HeldJob
from django_jobqueue.worker.runners import EventLoopRunner
from tests.claims import a_claim

from .bench import Bench, registry
from .site import PATIENCE, within


async def no_tidying() -> None: ...


def test_a_loop_is_stuck_once_it_has_not_answered_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(EventLoopRunner, "STUCK_SECONDS", 0.05)
    entered, let_go = threading.Event(), threading.Event()

    async def block(job: HeldJob) -> None:
        entered.set()
        assert let_go.wait(PATIENCE)

    runner = EventLoopRunner(1, block, tidy=no_tidying, at_end=no_tidying)
    runner.start()
    held = HeldJob(a_claim(), registry.get("tests.async"))
    runner.submit([held])
    assert entered.wait(PATIENCE)
    assert not runner.is_stuck

    runner.replace(held)
    assert within(PATIENCE, lambda: runner.is_stuck)

    let_go.set()
    assert within(PATIENCE, lambda: not runner.is_stuck)
    assert runner.stop(timeout=PATIENCE)


@pytest.mark.django_db
class TestAPumpThatRetires:
    @pytest.fixture
    def bench(self) -> Bench:
        bench = Bench(sync_slots=1, async_slots=1)
        bench.enqueue(is_async=True, queue="async")
        bench.enqueue(queue="sync")
        bench.look()
        bench.look()
        assert len(bench.in_hand) == Job.objects.count() == 2
        bench.pump.retire()
        return bench

    def test_waits_for_what_may_end(self, bench: Bench) -> None:
        bench.asynchronous.is_stuck = True

        assert not bench.pump._is_done(), "the sync job may end"

    def test_does_not_wait_for_what_cannot(self, bench: Bench) -> None:
        bench.asynchronous.is_stuck = True
        bench.end(bench.sync.running[0])
        bench.pump.tick()

        assert bench.pump._is_done()

    def test_waits_for_the_loop_while_it_turns(self, bench: Bench) -> None:
        bench.end(bench.sync.running[0])
        bench.pump.tick()

        assert not bench.pump._is_done()
