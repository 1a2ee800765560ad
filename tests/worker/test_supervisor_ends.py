"""Ends of children that look like others than they are, and ends that must not be waited for."""

from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError

from django_jobqueue.core.states import JobState, WorkerState
from django_jobqueue.models import Job, WorkerRecord
from django_jobqueue.service import StopSender
from django_jobqueue.store import JobStore, store_for
from django_jobqueue.worker.messages import Hurry, Stop
from django_jobqueue.worker.quarantine import QUARANTINE
from tests.store.helpers import make_job

from .household import Household

pytestmark = pytest.mark.django_db


def test_a_handler_that_ends_its_process_with_status_0_is_suspect_all_the_same() -> None:
    house = Household("1")
    house.tick()
    [child] = house.started
    make_job()
    [job_id] = child.claims(starts=1)

    child.ends(0)
    house.tick()

    row = Job.objects.get(pk=job_id)
    assert (row.state, row.attempt, row.rescues) == (JobState.READY, 0, 1)
    worker = WorkerRecord.objects.get(pk=child.membership.worker_id)
    assert worker.state == WorkerState.DEAD
    assert house.told.of("child.died")
    assert house.names == ["1", "1", QUARANTINE]


def test_with_until_empty_one_that_ended_amid_a_job_is_replaced() -> None:
    empty: list[bool] = []
    house = Household("1", on_empty=lambda: empty.append(True))
    house.tick()
    [child] = house.started
    make_job()
    child.claims(starts=1)

    child.ends(0)
    house.tick()

    assert not empty
    assert house.names.count("1") == 2


def test_with_until_empty_one_that_retired_and_ended_before_anybody_looked_is_replaced() -> None:
    empty: list[bool] = []
    house = Household("1", on_empty=lambda: empty.append(True))
    house.tick()
    [child] = house.started

    child.retires_because = "it has run 10 jobs"
    child.ends(0)
    house.tick()

    assert not empty
    assert house.names == ["1", "1"]


def test_no_child_is_started_for_suspects_of_a_paused_queue() -> None:
    store = store_for("default")
    make_job(rescues=1, queue="paused")
    store.pause_queue("paused")
    house = Household("1")

    house.tick()
    assert house.names == ["1"]

    store.resume_queue("paused")
    house.supervisor.suspects_were_found()  # as the poller tells with each of its looks
    house.tick()
    assert house.names == ["1", QUARANTINE]


def test_the_leases_are_asked_for_once_the_child_is_known() -> None:
    known: list[int] = []
    house = Household("1", has_started=lambda: known.append(len(house.supervisor.children)))

    house.tick()

    assert known == [1]


def test_a_store_that_cannot_be_told_of_one_death_is_told_of_the_next_and_both_are_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = Household("1", "2")
    house.tick()
    first, second = house.started
    release, asked = type(store_for("default")).release_of_worker, list[UUID]()

    def locked(store: JobStore, worker_id: UUID, **facts: Any) -> Any:
        asked.append(worker_id)
        if worker_id == first.membership.worker_id:
            raise OperationalError("canceling statement due to statement timeout")
        return release(store, worker_id, **facts)

    monkeypatch.setattr(type(store_for("default")), "release_of_worker", locked)
    for child in (first, second):
        child.ends(-9)
    with pytest.raises(OperationalError):
        house.tick(after=100.0)
    with pytest.raises(OperationalError):
        house.tick()

    assert house.names == ["1", "2", "1", "2"]
    assert second.membership.worker_id in asked


class TestStopping:
    @pytest.fixture
    def stopped(self) -> StopSender:
        stop = StopSender()
        stop.send()
        return stop

    def test_who_does_not_end_is_killed_after_a_while(self, stopped: StopSender) -> None:
        house = Household("1", stop_seconds=20.0)
        house.tick()

        house.supervisor.run(stopped.receiver())

        [child] = house.started
        assert child.told == [Stop()]
        assert child.status == -9
        assert child.age_seconds == pytest.approx(20.0)

    # Its end closes the connection, which here is that of the test.
    @pytest.mark.django_db(transaction=True)
    def test_who_is_still_loading_is_not_waited_for(self, stopped: StopSender) -> None:
        house = Household("1", stop_seconds=20.0)
        house.tick()
        [child] = house.started
        child.is_loaded = False

        house.supervisor.run(stopped.receiver())

        assert child.status == -9
        assert child.age_seconds == 0.0
        row = WorkerRecord.objects.get(pk=child.membership.worker_id)
        assert row.state == WorkerState.STOPPED
        assert house.told.names[-1] == "child.ended"

    def test_in_a_hurry_nobody_waits_for_who_does_not_listen(self, stopped: StopSender) -> None:
        house = Household("1", stop_seconds=20.0)
        house.tick()

        house.supervisor.hurry()
        house.supervisor.run(stopped.receiver())

        [child] = house.started
        assert child.told == [Hurry(), Stop()]
        assert child.status == -9
        assert child.age_seconds < 2.0
