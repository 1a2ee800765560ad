"""Reaper, promoter and janitor, one tick at a time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from django_jobqueue import JobState
from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.clock import SystemClock
from django_jobqueue.core.retry import RetryPolicy
from django_jobqueue.core.specs import Retention
from django_jobqueue.core.states import WorkerState
from django_jobqueue.events import EventBus
from django_jobqueue.jobs.registry import Registry
from django_jobqueue.jobs.wakeups import BURST
from django_jobqueue.models import ArchivedJob, DeadJob, Job, WorkerRecord
from django_jobqueue.store import JobStore, store_for
from django_jobqueue.worker.duties import HostDuties
from django_jobqueue.worker.janitor import Janitor
from django_jobqueue.worker.membership import Membership
from django_jobqueue.worker.overdue import Overdue
from django_jobqueue.worker.promoter import Promoter
from django_jobqueue.worker.reaper import Reaper
from django_jobqueue.worker.snapshots import SnapshotWatch
from tests.store.helpers import LONG_AGO, claim, make_job, register_worker

from .bench import LEASE, Time
from .site import Told

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


class Duty:
    """What every duty is handed: a store, a pump to wake, a bus."""

    def __init__(self) -> None:
        self.told, self.bus, self.store = Told(), EventBus(), store_for("default")
        self.bus.subscribe(self.told)
        self.wakes = 0
        self.notified: list[list[str]] = []

    def wake(self) -> None:
        self.wakes += 1

    def notify(self, queues: Sequence[str]) -> None:
        self.notified.append(list(queues))

    def given(self, **more: Any) -> dict[str, Any]:
        return {"store": self.store, "events": self.bus, "interval": SECOND, **more}

    def overdue(self, registry: Registry | None = None) -> Overdue:
        return Overdue(
            store=self.store,
            registry=registry or Registry(),
            defaults=RetryPolicy(),
            events=self.bus,
        )

    @property
    def waking(self) -> dict[str, Any]:
        return {"wake": self.wake, "notify": self.notify}


@pytest.fixture
def duty() -> Duty:
    return Duty()


class TestReaper:
    @pytest.fixture
    def membership(self) -> Membership:
        self.time = Time()
        return Membership(lease=LEASE, elapsed=self.time)

    @pytest.fixture
    def reaper(self, duty: Duty, membership: Membership) -> Reaper:
        make_job(queue="mail")
        self.dead = register_worker(lease=timedelta(seconds=-1))
        claim(duty.store, self.dead, "mail")
        return Reaper(**duty.given(membership=membership, **duty.waking, overdue=duty.overdue()))

    def healthy(self, membership: Membership) -> None:
        for _ in range(7):
            membership.renewed(self.time())
            self.time.passes(5)
        membership.renewed(self.time())

    def test_what_a_dead_worker_held_is_ready_again(
        self, duty: Duty, membership: Membership, reaper: Reaper
    ) -> None:
        self.healthy(membership)

        reaper.tick()

        row = Job.objects.get()
        assert (row.state, row.attempt, row.rescues) == (JobState.READY, 0, 1)
        assert WorkerRecord.objects.get(pk=self.dead).state == WorkerState.DEAD
        assert duty.told.of("worker.reaped") == [{"worker_id": self.dead, "job_ids": (row.pk,)}]
        assert (duty.wakes, duty.notified) == (1, [["mail"]])

    def test_nobody_is_declared_dead_before_a_full_lease_of_own_heartbeats(
        self, duty: Duty, membership: Membership, reaper: Reaper
    ) -> None:
        membership.renewed(self.time())
        self.time.passes(20)
        membership.renewed(self.time())

        reaper.tick()

        assert WorkerRecord.objects.get(pk=self.dead).state == WorkerState.ALIVE
        assert Job.objects.get().state == JobState.RUNNING
        assert (duty.wakes, duty.told.events) == (0, [])

    def test_a_worker_whose_lease_holds_is_left_alone(
        self, duty: Duty, membership: Membership, reaper: Reaper
    ) -> None:
        WorkerRecord.objects.update(lease_expires_at=datetime(2100, 1, 1, tzinfo=UTC))
        self.healthy(membership)

        reaper.tick()

        assert Job.objects.get().state == JobState.RUNNING
        assert duty.wakes == 0


class TestPromoter:
    def promoter(self, duty: Duty, **options: Any) -> Promoter:
        return Promoter(
            **{**duty.given(**duty.waking), "interval": timedelta(seconds=2), **options},
            elapsed=Time(),
        )

    def test_what_has_become_due_is_made_ready_and_the_pump_is_woken(self, duty: Duty) -> None:
        due = make_job(JobState.SCHEDULED, run_at=LONG_AGO, queue="mail")
        make_job(JobState.SCHEDULED)

        pause = self.promoter(duty).tick()

        assert Job.objects.get(pk=due.pk).state == JobState.READY
        assert Job.objects.filter(state="scheduled").count() == 1
        assert (duty.wakes, duty.notified) == (1, [["mail"]])
        assert duty.told.of("jobs.promoted") == [{"count": 1, "queues": ("mail",)}]
        assert pause == 2.0

    def test_where_nothing_is_due_nobody_is_woken(self, duty: Duty) -> None:
        assert self.promoter(duty).tick() is None
        assert (duty.wakes, duty.told.events) == (0, [])

    def test_it_sleeps_until_the_next_job_is_due(self, duty: Duty) -> None:
        soon = SystemClock().now() + timedelta(seconds=1)
        make_job(JobState.SCHEDULED, run_at=soon)

        pause = self.promoter(duty).tick()

        assert pause is not None
        assert 0.5 < pause <= 1.0

    def test_a_full_batch_is_followed_by_another_at_once(self, duty: Duty) -> None:
        for _ in range(3):
            make_job(JobState.SCHEDULED, run_at=LONG_AGO)
        promoter = self.promoter(duty, batch=2)

        assert promoter.tick() == 0.0
        assert promoter.tick() is None
        assert not Job.objects.filter(state="scheduled").exists()


class TestJanitor:
    def janitor(self, duty: Duty, *, batch: int = 100) -> Janitor:
        retention = Retention(archive=timedelta(days=7), dead=timedelta(days=90))
        snapshots = SnapshotWatch(store=duty.store, events=duty.bus)
        return Janitor(**duty.given(retention=retention, batch=batch, snapshots=snapshots))

    def test_records_past_their_retention_are_removed(self, duty: Duty) -> None:
        for state in (JobState.SUCCEEDED, JobState.DEAD):
            make_job(state, finished_at=LONG_AGO)
            make_job(state)

        assert self.janitor(duty).tick() is None

        assert (ArchivedJob.objects.count(), DeadJob.objects.count()) == (1, 1)
        assert duty.told.names == ["records.pruned"]

    def test_where_nothing_is_old_nothing_is_told(self, duty: Duty) -> None:
        make_job(JobState.SUCCEEDED)

        assert self.janitor(duty).tick() is None
        assert duty.told.events == []

    @pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.DEAD], ids=str)
    def test_a_full_batch_is_followed_by_another_at_once(self, duty: Duty, state: JobState) -> None:
        for _ in range(3):
            make_job(state, finished_at=LONG_AGO)
        janitor = self.janitor(duty, batch=2)

        assert janitor.tick() == 0.0
        assert janitor.tick() is None
        assert not ArchivedJob.objects.exists()
        assert not DeadJob.objects.exists()

    def test_once_a_batch_is_not_full_the_next_looks_at_everything(self, duty: Duty) -> None:
        janitor = self.janitor(duty, batch=2)
        for _ in range(3):
            make_job(JobState.SUCCEEDED, finished_at=LONG_AGO)
        janitor.tick()
        janitor.tick()
        make_job(JobState.SUCCEEDED, finished_at=LONG_AGO - timedelta(days=1))

        janitor.tick()

        assert not ArchivedJob.objects.exists()

    def test_a_worker_that_ended_long_ago_is_forgotten(self, duty: Duty) -> None:
        WorkerRecord.objects.create(id=uuid4(), state=WorkerState.STOPPED, ended_at=LONG_AGO)

        self.janitor(duty).tick()

        assert not WorkerRecord.objects.exists()


def test_however_often_a_queue_is_promoted_others_are_woken_ten_times() -> None:
    class Noted(type(store_for("default"))):  # type: ignore[misc]
        def notify(self, queues: Sequence[str]) -> None:
            sent.append(list(queues))

    sent: list[list[str]] = []
    duties = host_duties(Noted("default"), JobQueueSettings(notify_debounce=3600))
    for queue in (*["often"] * (BURST + 2), "seldom"):
        make_job(JobState.SCHEDULED, run_at=LONG_AGO, queue=queue)
        duties.promoter.tick()

    assert sent == [["often"]] * BURST + [["seldom"]]


@pytest.mark.postgresql
def test_whoever_hears_knows_for_how_long_wake_ups_are_held_back() -> None:
    duties = host_duties(store_for("default"), JobQueueSettings(notify_debounce=3))

    assert duties.hearing is not None
    assert duties.hearing._heard._debounce_seconds == 3.0


def host_duties(store: JobStore, conf: JobQueueSettings) -> HostDuties:
    return HostDuties(
        conf,
        store=store,
        membership=Membership(lease=LEASE),
        serves=lambda queue: True,
        suspects_wait=lambda: None,
        registry=Registry(),
        wake=lambda queue=None: None,
        events=EventBus(),
    )
