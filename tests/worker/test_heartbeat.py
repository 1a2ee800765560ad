"""The heartbeat, one tick at a time."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError

from django_jobqueue import JobState, cancel
from django_jobqueue.core.specs import FinishedJob, Transition, WorkerIdentity
from django_jobqueue.core.states import WorkerState
from django_jobqueue.events import EventBus
from django_jobqueue.models import Job, WorkerRecord
from django_jobqueue.service import StopSender
from django_jobqueue.service.threads import caught
from django_jobqueue.store import store_for
from django_jobqueue.worker.hands import HeldJob, InHand
from django_jobqueue.worker.heartbeat import Heartbeat
from django_jobqueue.worker.hygiene import close_connections
from django_jobqueue.worker.lease import Lease
from django_jobqueue.worker.membership import Membership
from tests.store.helpers import claim, make_job

from .bench import LEASE, Time
from .site import COMMITTED, PATIENCE, Told

pytestmark = pytest.mark.django_db

IDENTITY = WorkerIdentity(
    id=uuid4(),
    host="host",
    pid=1,
    version="1",
    queues=("mail",),
    handlers=("a", "b"),
    concurrency=3,
)


class Pulse:
    """A heartbeat and what it works with."""

    def __init__(self, *, interval: float = 5.0) -> None:
        self.time, self.told, bus = Time(), Told(), EventBus()
        bus.subscribe(self.told)
        self.store = store_for("default")
        self.membership = Membership(lease=LEASE, elapsed=self.time)
        self.in_hand, self.drained = InHand(), threading.Event()
        self.stops: list[bool] = []
        self.lease = lease = Lease(
            self.in_hand,
            membership=self.membership,
            store=self.store,
            identity=IDENTITY,
            interval=timedelta(seconds=interval),
            lease=LEASE,
            events=bus,
        )
        self.heartbeat = Heartbeat(
            lease,
            store=self.store,
            interval=timedelta(seconds=interval),
            drained=self.drained,
            on_stop_requested=lambda: self.stops.append(True),
        )

    @property
    def row(self) -> WorkerRecord:
        return WorkerRecord.objects.get(pk=self.membership.worker_id)

    def hold(self) -> HeldJob:
        """Claim a new job under this worker's name and take it in hand."""
        make_job()
        [job] = claim(self.store, self.membership.worker_id)
        held = HeldJob(job, None)
        self.in_hand.add([held])
        return held


def test_the_first_tick_registers_the_worker() -> None:
    pulse = Pulse()
    pulse.heartbeat.tick()

    row = pulse.row
    assert (row.state, row.host, row.queues, row.handlers) == (
        WorkerState.ALIVE,
        "host",
        ["mail"],
        ["a", "b"],
    )
    assert pulse.membership.may_claim()
    assert pulse.told.names == ["worker.registered"]


def test_every_other_tick_renews_the_lease_and_tells_how_much_is_in_hand() -> None:
    pulse = Pulse()
    pulse.heartbeat.tick()
    WorkerRecord.objects.update(lease_expires_at="2020-01-01T00:00:00Z")
    pulse.hold()
    pulse.time.passes(26)
    assert not pulse.membership.may_claim()

    pulse.heartbeat.tick()

    assert pulse.row.lease_expires_at.year > 2020
    assert pulse.row.running == 1
    assert pulse.membership.may_claim()


def test_a_cancel_request_reaches_the_job_in_hand_once() -> None:
    pulse = Pulse()
    pulse.heartbeat.tick()
    asked, other = pulse.hold(), pulse.hold()
    interrupts: list[int] = []
    asked.interrupt_with(lambda: interrupts.append(asked.job.id))
    cancel(asked.job.id)

    pulse.heartbeat.tick()
    pulse.heartbeat.tick()

    assert (asked.is_cancelled, other.is_cancelled) == (True, False)
    assert interrupts == [asked.job.id]


def test_an_operator_may_ask_the_worker_to_stop() -> None:
    pulse = Pulse()
    pulse.heartbeat.tick()
    pulse.heartbeat.tick()
    assert pulse.stops == []
    pulse.store.request_worker_stop(pulse.membership.worker_id)

    pulse.heartbeat.tick()

    assert pulse.stops == [True]


class TestDeclaredDead:
    @pytest.fixture(params=["dead", "gone"])
    def pulse(self, request: pytest.FixtureRequest) -> Pulse:
        """A worker that a reaper has declared dead, or whose row somebody has deleted."""
        pulse = Pulse()
        pulse.heartbeat.tick()
        self.held = pulse.hold()
        self.before = pulse.membership.worker_id
        if request.param == "gone":
            WorkerRecord.objects.all().delete()
        else:
            WorkerRecord.objects.update(lease_expires_at="2020-01-01T00:00:00Z")
        pulse.store.release_of_dead_workers()
        return pulse

    def test_all_that_was_in_hand_is_lost_and_nothing_may_be_claimed(self, pulse: Pulse) -> None:
        assert pulse.heartbeat.tick() == 0.0

        assert self.held.lease_lost.is_set()
        assert not pulse.membership.may_claim()
        assert pulse.told.of("worker.declared_dead") == [{"worker_id": self.before, "lost": 1}]

    def test_it_goes_on_under_a_new_identity(self, pulse: Pulse) -> None:
        pulse.heartbeat.tick()
        pulse.heartbeat.tick()

        assert pulse.membership.worker_id != self.before
        assert pulse.row.state == WorkerState.ALIVE
        assert pulse.membership.may_claim()

    def test_the_late_outcome_changes_nothing(self, pulse: Pulse) -> None:
        pulse.heartbeat.tick()
        late = FinishedJob(self.held.job, Transition(state=JobState.SUCCEEDED))

        assert pulse.store.finish_many([late]) == set()
        assert Job.objects.get().state == JobState.READY


class TestReconciling:
    """A claim whose answer was lost is the worker's by the database, and nobody's by the worker."""

    def test_a_claim_the_worker_does_not_know_of_is_released(self) -> None:
        pulse = Pulse()
        pulse.heartbeat.tick()
        known = pulse.hold()
        make_job()
        claim(pulse.store, pulse.membership.worker_id)
        Job.objects.update(claimed_at="2020-01-01T00:00:00Z")

        pulse.heartbeat.tick()

        lost = Job.objects.exclude(pk=known.job.id).get()
        assert (lost.state, lost.attempt, lost.rescues) == (JobState.READY, 0, 0)
        assert Job.objects.get(pk=known.job.id).state == JobState.RUNNING
        assert pulse.told.of("worker.reconciled") == [{"job_ids": (lost.pk,)}]

    def test_a_claim_that_is_still_on_its_way_is_left(self) -> None:
        pulse = Pulse()
        pulse.heartbeat.tick()
        make_job()
        claim(pulse.store, pulse.membership.worker_id)

        pulse.heartbeat.tick()

        assert Job.objects.get().state == JobState.RUNNING


class TestDraining:
    pytestmark = COMMITTED

    def test_it_goes_on_until_the_pump_has_drained_and_then_says_good_bye(self) -> None:
        pulse, stop = Pulse(interval=0.01), StopSender()
        stop.send()
        ended: list[object] = []

        def beat() -> None:
            ended.append(caught(lambda: pulse.heartbeat.run(stop.receiver())))
            close_connections()  # as a service does at the end of each of its threads

        thread = threading.Thread(target=beat)
        thread.start()
        pulse.told.wait_for("worker.registered")
        first = pulse.row.lease_expires_at
        while pulse.row.lease_expires_at == first:
            pass
        assert thread.is_alive()

        pulse.drained.set()
        thread.join(PATIENCE)

        assert ended == [None]
        assert pulse.row.state == WorkerState.STOPPED

    def test_what_it_still_holds_is_given_back(self) -> None:
        pulse, stop = Pulse(), StopSender()
        pulse.heartbeat.tick()
        pulse.hold()
        stop.send()
        pulse.drained.set()

        pulse.heartbeat.run(stop.receiver())

        row = Job.objects.get()
        assert (row.state, row.attempt) == (JobState.READY, 0)


@pytest.mark.django_db(transaction=True)
def test_a_registration_whose_answer_was_lost_is_tried_under_another_id() -> None:
    pulse = Pulse()
    pulse.heartbeat.tick()
    lost = pulse.membership.worker_id
    pulse.lease._is_registered = False  # the row was committed, and nobody was told

    pulse.heartbeat.round()
    pulse.heartbeat.round()

    assert pulse.membership.worker_id != lost
    assert pulse.membership.may_claim()
    assert WorkerRecord.objects.count() == 2


def test_a_database_that_is_away_at_good_bye_makes_the_stop_no_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pulse, stop = Pulse(), StopSender()
    pulse.heartbeat.tick()
    away = OperationalError("away")

    def refuse(worker_id: object) -> None:
        raise away

    monkeypatch.setattr(pulse.store, "deregister_worker", refuse)
    stop.send()
    pulse.drained.set()

    pulse.heartbeat.run(stop.receiver())

    assert pulse.told.of("worker.left_silently") == [{"error": away}]
