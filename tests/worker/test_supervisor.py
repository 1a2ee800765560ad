"""The supervisor, one tick at a time; its children live and die as the test says."""

import pytest

from django_jobqueue.core.states import JobState, WorkerState
from django_jobqueue.models import Job, WorkerRecord
from django_jobqueue.service import TaskError
from django_jobqueue.worker.places import Place
from django_jobqueue.worker.quarantine import QUARANTINE, Quarantine
from django_jobqueue.worker.supervisor import Supervisor
from tests.store.helpers import make_job

from .household import Household

pytestmark = pytest.mark.django_db


def test_each_place_has_a_child_and_the_quarantine_none() -> None:
    house = Household("1", "2")

    house.tick()
    house.tick()

    assert house.names == ["1", "2"]


def test_a_child_that_died_is_replaced_and_its_jobs_are_released() -> None:
    house = Household("1")
    house.tick()
    ran, waited = make_job(), make_job()
    house.started[0].claims(starts=1)

    house.started[0].ends(-11)
    house.tick()

    assert house.names == ["1", "1", QUARANTINE]
    suspect, sound = Job.objects.get(pk=ran.pk), Job.objects.get(pk=waited.pk)
    assert (suspect.state, suspect.rescues, suspect.attempt) == (JobState.READY, 1, 0)
    assert (sound.state, sound.rescues, sound.attempt) == (JobState.READY, 0, 0)
    assert house.woken == [True]
    assert house.told.of("worker.released")[0]["cause"] == "ended with -11"


def test_the_quarantine_has_a_child_only_while_suspects_wait() -> None:
    house = Household("1")
    job = make_job(rescues=1)
    house.tick()
    assert house.names == ["1", QUARANTINE]

    Job.objects.filter(pk=job.pk).delete()
    house.started[1].ends(0)
    house.tick(after=60)
    house.tick(after=60)

    assert house.names == ["1", QUARANTINE]


def test_suspects_of_queues_that_are_not_served_are_left_to_others() -> None:
    house = Household("1", serves=lambda queue: queue == "mail")
    make_job(rescues=1, queue="other")

    house.tick()

    assert house.names == ["1"]


def test_suspects_that_another_host_left_are_seen_to_once_the_poller_has_found_them() -> None:
    house = Household("1")
    house.tick()
    make_job(rescues=1)
    house.tick()
    assert house.names == ["1"]

    house.supervisor.suspects_were_found()
    house.tick()

    assert house.names == ["1", QUARANTINE]


def test_where_nobody_tells_of_suspects_they_are_found_all_the_same() -> None:
    house = Household("1")
    house.tick()
    make_job(rescues=1)

    house.tick(after=Quarantine.SELDOM_SECONDS)

    assert house.names == ["1", QUARANTINE]


def test_a_child_that_dies_young_and_of_no_job_is_replaced_after_growing_pauses() -> None:
    house = Household("1")
    pauses = []
    house.tick()
    for _ in range(9):
        house.started[-1].ends(1)
        pause = house.tick()
        assert pause is not None
        pauses.append(pause)
        house.tick(after=pause)

    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert len(house.started) == 10


def test_a_child_that_lived_long_or_died_of_a_job_is_replaced_at_once() -> None:
    house = Household("1")
    house.tick()
    house.started[-1].ends(1)
    house.tick(after=Place.LONG_LIFE_SECONDS)
    assert house.names == ["1", "1"]

    make_job()
    house.started[-1].claims(starts=1)
    house.started[-1].ends(-9)
    house.tick()

    assert house.names.count("1") == 3


def test_one_that_retires_makes_room_at_once_and_ends_in_its_own_time() -> None:
    house = Household("1")
    house.tick()
    old = house.started[0]
    old.retires_because = "it is old"

    house.tick()
    assert house.names == ["1", "1"]
    assert old in house.supervisor.children

    old.ends(0)
    house.tick()
    assert old not in house.supervisor.children
    assert house.names == ["1", "1"]
    row = WorkerRecord.objects.get(pk=old.membership.worker_id)
    assert row.state == WorkerState.STOPPED


def test_what_the_store_could_not_be_told_is_told_later(monkeypatch: pytest.MonkeyPatch) -> None:
    house = Household("1")
    house.tick()
    job = make_job()
    house.started[0].claims(starts=1)
    house.started[0].ends(-9)
    away = OSError("the database is away")

    def refuse(*_: object, **__: object) -> None:
        raise away

    with monkeypatch.context() as outage:
        outage.setattr(type(house.supervisor._store), "release_of_worker", refuse)
        with pytest.raises(OSError, match="away"):
            house.tick()
    assert Job.objects.get(pk=job.pk).state == JobState.RUNNING

    house.tick()

    assert Job.objects.get(pk=job.pk).state == JobState.READY


class TestUntilEmpty:
    def test_children_that_found_nothing_are_not_replaced(self) -> None:
        empty: list[bool] = []
        house = Household("1", "2", on_empty=lambda: empty.append(True))
        house.tick()
        house.started[0].ends(0)
        house.tick()
        assert (house.names, empty) == (["1", "2"], [])

        house.started[1].ends(0)
        house.tick()

        assert (house.names, empty) == (["1", "2"], [True])

    def test_suspects_keep_it(self) -> None:
        empty: list[bool] = []
        house = Household("1", on_empty=lambda: empty.append(True))
        house.tick()
        make_job(rescues=1)
        house.started[0].ends(0)
        house.tick(after=Quarantine.LOOK_SECONDS)

        assert (house.names, empty) == (["1", QUARANTINE], [])

    def test_children_that_cannot_start_end_the_command(self) -> None:
        house = Household("1", on_empty=lambda: None)

        def live_in_vain() -> None:
            for _ in range(Supervisor.FUTILE_STARTS + 1):
                house.tick(after=60)
                house.started[-1].ends(1)
                house.tick()

        with pytest.raises(TaskError, match="child 1 does not start: it ended with 1"):
            live_in_vain()
