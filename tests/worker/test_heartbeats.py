"""The heartbeats of a supervisor's children, one tick at a time."""

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models import F

from django_jobqueue.core.specs import WorkerIdentity
from django_jobqueue.events import EventBus
from django_jobqueue.models import WorkerRecord
from django_jobqueue.store import JobStore, store_for
from django_jobqueue.worker.hands import InHand
from django_jobqueue.worker.heartbeat import Heartbeats
from django_jobqueue.worker.lease import Lease
from django_jobqueue.worker.membership import Membership

from .bench import LEASE
from .test_heartbeat import IDENTITY

pytestmark = pytest.mark.django_db
INTERVAL = timedelta(seconds=5)


class LockedOut(Exception):
    pass


class HandHolder(InHand):
    """In whose hands nothing is; asking may fail, as a heartbeat does that waits for a lock."""

    error: Exception | None = None
    asked = 0

    def claims(self) -> list[tuple[int, object]]:  # type: ignore[override]
        self.asked += 1
        if self.error is not None:
            raise self.error
        return []


class HandLeased:
    """A child without a process."""

    has_ended = False

    def __init__(self, store: JobStore) -> None:
        self.holder, self.membership = HandHolder(), Membership(lease=LEASE)
        self.told: list[float | None] = []
        identity: WorkerIdentity = IDENTITY
        self.lease = Lease(
            self.holder,
            membership=self.membership,
            store=store,
            identity=identity,
            interval=INTERVAL,
            lease=LEASE,
            events=EventBus(),
        )

    def tell_renewed(self) -> None:
        self.told.append(self.membership.renewed_at)


def heartbeats_of(children: list[HandLeased], host: Membership) -> Heartbeats:
    return Heartbeats(
        lambda: children,
        host=host,
        store=store_for("default"),
        interval=INTERVAL,
        drained=threading.Event(),
        on_stop_requested=lambda: None,
    )


def test_while_the_database_is_away_the_children_do_not_wait_for_each_other() -> None:
    children = [HandLeased(store_for("default")) for _ in range(3)]
    heartbeats = heartbeats_of(children, Membership(lease=LEASE))
    heartbeats.tick()  # each is registered

    for child in children:
        child.holder.error = OperationalError("connection timeout expired")
    with pytest.raises(OperationalError):
        heartbeats.tick()

    assert [child.holder.asked for child in children] == [1, 0, 0]


def test_a_lease_that_cannot_be_renewed_costs_the_other_children_nothing() -> None:
    children = [HandLeased(store_for("default")) for _ in range(3)]
    host = Membership(lease=LEASE)
    heartbeats = heartbeats_of(children, host)
    heartbeats.tick()
    before = host.renewed_at
    # As if that had been a while ago: two renewals may fall into one tick of a clock.
    WorkerRecord.objects.update(lease_expires_at=F("lease_expires_at") - timedelta(seconds=1))
    rows = WorkerRecord.objects.in_bulk()

    children[0].holder.error = LockedOut()
    with pytest.raises(LockedOut):
        heartbeats.tick()

    for locked_out, child in zip((True, False, False), children, strict=True):
        id_ = child.membership.worker_id
        later = WorkerRecord.objects.get(pk=id_).lease_expires_at
        assert (later == rows[id_].lease_expires_at) is locked_out
        assert (child.told[1] == child.told[0]) is locked_out
    assert host.renewed_at == before, "a host that is not well declares nobody dead"
