"""What ended is told in a thread of its own, while the pump goes on."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.db import connection

from django_jobqueue.core.specs import FinishedJob, Transition
from django_jobqueue.core.states import JobState
from django_jobqueue.events import EventBus
from django_jobqueue.models import QueueRecord
from django_jobqueue.worker.telling_apart import TellingApart
from tests.claims import a_claim

from .bench import Bench
from .site import COMMITTED, PATIENCE, Gate, Site

Receiver = Callable[[int], object]


def finished(*ids: int) -> list[FinishedJob]:
    return [FinishedJob(a_claim(id=one), Transition(state=JobState.SUCCEEDED)) for one in ids]


def receives(bus: EventBus, receiver: Receiver) -> None:
    """Have each success of this bus told to the receiver, by its id."""

    def hear(name: str, facts: Mapping[str, Any]) -> None:
        receiver(facts["job"].id)

    bus.subscribe(hear, wants="job.succeeded".__eq__)


class Heard:
    """A receiver that waits at a gate with each job."""

    def __init__(self) -> None:
        self.gate, self.ids, self.threads = Gate(), list[int](), set[str]()

    def __call__(self, job_id: int) -> None:
        self.gate.pass_through()
        self.ids.append(job_id)
        self.threads.add(threading.current_thread().name)


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
    telling.close()


class TestTheThread:
    def test_tells_in_the_order_of_the_writes(self, telling: TellingApart, heard: Heard) -> None:
        heard.gate.open()
        for one in range(4):
            telling.ended(finished(2 * one, 2 * one + 1), {*range(8)} - {3})
            telling.begin()

        telling.close()

        assert heard.ids == [0, 1, 2, 4, 5, 6, 7]
        assert heard.threads == {"jobqueue-teller"}

    def test_tells_nothing_before_there_is_time(self, telling: TellingApart, heard: Heard) -> None:
        heard.gate.open()
        telling.ended(finished(1), {1})
        assert not _teller_runs()

        telling.begin()
        telling.close()

        assert heard.ids == [1]

    def test_does_not_start_where_nobody_hears(self, telling: TellingApart, heard: Heard) -> None:
        [job] = finished(1)
        dead = FinishedJob(job.job, Transition(state=JobState.DEAD))
        telling.ended([dead], {1})
        telling.begin()

        assert not _teller_runs()

    def test_goes_on_after_a_receiver_that_would_end_it(
        self, telling: TellingApart, bus: EventBus, caplog: pytest.LogCaptureFixture
    ) -> None:
        told: list[int] = []

        def leaves(job_id: int) -> None:
            told.append(job_id)
            if job_id == 1:
                raise SystemExit

        receives(bus, leaves)
        for one in (1, 2):
            telling.ended(finished(one), {one})

        telling.close()

        assert told == [1, 2]
        assert "not told to the end" in caplog.text

    def test_may_start_again(self, telling: TellingApart, heard: Heard) -> None:
        heard.gate.open()
        for one in (1, 2):
            telling.ended(finished(one), {one})
            telling.close()

        assert heard.ids == [1, 2]


class TestReceiversThatAreSlow:
    def test_hold_up_nobody_who_begins(self, telling: TellingApart, heard: Heard) -> None:
        telling.ended(finished(*range(telling.MOST)), set(range(telling.MOST)))
        telling.begin()
        heard.gate.entered()

        assert heard.ids == []

    def test_hold_up_the_pump_once_too_much_is_untold(
        self, telling: TellingApart, heard: Heard
    ) -> None:
        too_many = finished(*range(telling.MOST))
        telling.ended(too_many, set(range(telling.MOST)))
        telling.begin()
        heard.gate.entered()
        has_returned = threading.Event()

        def one_more() -> None:
            telling.ended(finished(telling.MOST), {telling.MOST})
            has_returned.set()

        pump = threading.Thread(target=one_more, daemon=True)
        pump.start()
        assert not has_returned.wait(0.05)
        heard.gate.open()
        pump.join(PATIENCE)

        assert has_returned.is_set()
        assert len(heard.ids) >= telling.MOST

    def test_are_waited_for_at_the_end(self, telling: TellingApart, heard: Heard) -> None:
        telling.ended(finished(1), {1})
        opening = threading.Thread(target=lambda: (heard.gate.entered(), heard.gate.open()))
        opening.start()

        assert telling.tell_rest()

        opening.join(PATIENCE)

        assert heard.ids == [1]
        assert not telling.tell_rest()


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
        telling.close()
        assert heard.ids == [first]


def _teller_runs() -> bool:
    return any(thread.name == "jobqueue-teller" for thread in threading.enumerate())


@COMMITTED
class TestInAWorker:
    def test_jobs_are_written_while_a_receiver_takes_its_time(self, site: Site) -> None:
        heard = Heard()
        receives(site.bus, heard)
        runs = site.counted("work")
        with site.working():
            first = site.declared["work"].enqueue()
            heard.gate.entered()
            second = site.declared["work"].enqueue()
            second.wait(PATIENCE)
            assert heard.ids == []
            heard.gate.open()

        assert heard.ids == [first.id, second.id]
        assert len(runs) == 2

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
