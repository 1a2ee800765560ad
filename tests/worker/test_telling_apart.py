"""What ended is told in a thread of its own, while the pump goes on."""

import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from django_jobqueue.core.specs import FinishedJob, Transition
from django_jobqueue.core.states import JobState
from django_jobqueue.events import EventBus
from django_jobqueue.models import QueueRecord
from django_jobqueue.worker.telling_apart import TellingApart

from .bench import Bench
from .receivers import Heard, finished, receives, teller_runs
from .site import COMMITTED, PATIENCE, Gate, Site, within


@pytest.fixture
def bus() -> EventBus:
    return EventBus()


@pytest.fixture
def heard(bus: EventBus) -> Iterator[Heard]:
    heard = Heard()
    receives(bus, heard)
    yield heard
    heard.gate.open()


@pytest.fixture
def telling(bus: EventBus) -> Iterator[TellingApart]:
    telling = TellingApart(bus)
    yield telling
    telling.close(PATIENCE)


class TestTheThread:
    def test_tells_in_the_order_of_the_writes(self, telling: TellingApart, heard: Heard) -> None:
        heard.gate.open()
        for one in range(4):
            telling.ended(finished(2 * one, 2 * one + 1), {*range(8)} - {3})
            telling.begin()

        telling.close(PATIENCE)

        assert heard.ids == [0, 1, 2, 4, 5, 6, 7]
        assert heard.threads == {"jobqueue-teller"}

    def test_tells_nothing_before_there_is_time(self, telling: TellingApart, heard: Heard) -> None:
        heard.gate.open()
        telling.ended(finished(1), {1})
        assert not teller_runs()

        telling.begin()
        telling.close(PATIENCE)

        assert heard.ids == [1]

    def test_does_not_start_where_nobody_hears(self, telling: TellingApart, heard: Heard) -> None:
        [job] = finished(1)
        dead = FinishedJob(job.job, Transition(state=JobState.DEAD))
        telling.ended([dead], {1})
        telling.begin()

        assert not teller_runs()

    def test_goes_on_after_a_receiver_that_would_end_it(
        self, telling: TellingApart, bus: EventBus, caplog: pytest.LogCaptureFixture
    ) -> None:
        told: list[int] = []

        def leaves(job_id: int) -> None:
            told.append(job_id)
            if job_id == 1:
                raise SystemExit

        receives(bus, leaves)
        for written in (finished(1, 2), finished(3)):
            telling.ended(written, {1, 2, 3})

        telling.close(PATIENCE)

        assert told == [1, 2, 3]
        assert "telling of what ended failed" in caplog.text

    def test_keeps_nothing_of_what_was_told(self, telling: TellingApart, heard: Heard) -> None:
        heard.gate.open()
        left: Any = Gate()
        gone = weakref.ref(left)
        telling.ended(finished(1), {1}, [left])
        del left

        telling.tell_rest()

        assert within(PATIENCE, lambda: gone() is None)

    def test_that_cannot_start_is_no_trouble_for_the_pump(
        self, telling: TellingApart, heard: Heard, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        heard.gate.open()
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            telling.ended(finished(1), {1})
            telling.begin()
            assert telling.tell_rest()
            assert heard.ids == [1]
            telling.ended(finished(2), {2})
            telling.begin()

        telling.begin()
        heard.gate.entered()
        heard.gate.entered()
        assert telling.tell_rest()
        assert heard.ids == [1, 2]
        assert "jobqueue-teller" in heard.threads

    def test_may_start_again(self, telling: TellingApart, heard: Heard) -> None:
        heard.gate.open()
        for one in (1, 2):
            telling.ended(finished(one), {one})
            telling.close(PATIENCE)

        assert heard.ids == [1, 2]


@pytest.mark.django_db
class TestInThePump:
    @pytest.fixture
    def bench(self, bus: EventBus, telling: TellingApart) -> Bench:
        bench = Bench(sync_slots=1)
        bench.outbox.telling = telling
        return bench

    def test_an_outcome_does_not_wait_for_the_end_of_what_was_claimed_beside_its_write(
        self, bench: Bench, telling: TellingApart, heard: Heard
    ) -> None:
        heard.gate.open()
        first, _ = bench.enqueue(), bench.enqueue()
        bench.look()
        bench.end_all()
        bench.pump.wake()

        assert bench.pump.tick() == 1, "the other is claimed, and runs for long"

        heard.gate.entered()
        telling.close(PATIENCE)
        assert heard.ids == [first]

    def test_an_error_in_telling_costs_no_slot(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*written: object) -> None:
            raise ValueError

        monkeypatch.setattr(TellingApart, "ended", refuse)
        bench.enqueue()
        bench.look()
        bench.end_all()

        bench.pump.tick()

        assert not bench.slots.hold_any


@COMMITTED
class TestInAWorker:
    def test_what_a_receiver_enqueues_is_run_before_a_worker_ends_that_runs_until_empty(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.counted("work")
        follows, finds_nothing = site.counted("follow_up"), Gate()
        tell_rest = TellingApart.tell_rest

        def found_nothing(telling: TellingApart) -> bool:
            finds_nothing.open()
            return tell_rest(telling)

        def follow_up(job_id: int) -> None:
            if not follows:
                finds_nothing.pass_through()
                site.declared["follow_up"].enqueue()

        monkeypatch.setattr(TellingApart, "tell_rest", found_nothing)
        receives(site.bus, follow_up)
        site.declared["work"].enqueue()

        site.work()

        assert follows == ["follow_up"]

    def test_a_transaction_that_a_receiver_leaves_open_is_over_before_the_next_write_is_told(
        self, site: Site
    ) -> None:
        site.counted("work")
        were_open: list[bool] = []

        def leave_open(job_id: int) -> None:
            were_open.append(not connection.get_autocommit())
            connection.set_autocommit(False)
            QueueRecord.objects.create(name=f"left open by {job_id}")

        receives(site.bus, leave_open)
        with site.working():
            for _ in range(2):
                site.declared["work"].enqueue().wait(PATIENCE)

        assert were_open == [False, False]
        assert not QueueRecord.objects.filter(name__startswith="left open").exists()
