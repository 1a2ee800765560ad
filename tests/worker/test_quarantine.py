"""Where suspects run: who is called in for them, who stays for the next, and who is sent away."""

import pytest

from django_jobqueue.core.states import JobState
from django_jobqueue.models import Job
from django_jobqueue.worker.messages import Retire, Wake
from django_jobqueue.worker.quarantine import QUARANTINE, Quarantine
from tests.store.helpers import make_job

from .household import HandChild, Household

pytestmark = pytest.mark.django_db
SECOND = f"{QUARANTINE}-2"


def takes(child: HandChild) -> int:
    """Begin the first suspect."""
    row = Job.objects.filter(state=JobState.READY, rescues__gt=0).earliest("id")
    Job.objects.filter(pk=row.pk).update(state=JobState.RUNNING)
    return child.marks.begin(row.pk)


def test_a_child_stays_for_the_next_suspects() -> None:
    house = Household("1")
    suspect = make_job(rescues=1)
    house.tick()
    child = house.started[1]
    Job.objects.filter(pk=suspect.pk).delete()

    house.tick(after=Quarantine.LINGER_SECONDS - 1)
    make_job(rescues=1)
    house.tick(after=Quarantine.LOOK_SECONDS)

    assert house.names == ["1", QUARANTINE]
    assert [type(message) for message in child.told] == [Wake]


def test_a_child_that_was_not_needed_for_long_is_sent_away() -> None:
    house = Household("1")
    suspect = make_job(rescues=1)
    house.tick()
    child = house.started[1]
    Job.objects.filter(pk=suspect.pk).delete()

    house.tick(after=Quarantine.LINGER_SECONDS)
    assert [type(message) for message in child.told] == [Retire]
    house.tick()
    child.ends(0)
    house.tick(after=60)
    assert house.names == ["1", QUARANTINE]

    make_job(rescues=1)
    house.supervisor.suspects_were_found()
    house.tick(after=60)
    assert house.names == ["1", QUARANTINE, QUARANTINE]


def test_a_long_suspect_keeps_its_child() -> None:
    house = Household("1")
    make_job(rescues=1)
    house.tick()
    takes(house.started[1])

    for _ in range(3):
        house.tick(after=Quarantine.LINGER_SECONDS)

    assert house.started[1].told == []


def test_a_second_child_takes_the_suspects_that_a_long_one_would_keep_waiting() -> None:
    house = Household("1", most=2)
    suspects = [make_job(rescues=1) for _ in range(4)]
    house.tick()
    takes(house.started[1])
    house.tick(after=Quarantine.WAITING_LOOK_SECONDS)
    assert house.names == ["1", QUARANTINE, SECOND]

    takes(house.started[2])
    house.tick(after=Quarantine.WAITING_LOOK_SECONDS)

    assert house.names == ["1", QUARANTINE, SECOND], "there are no more than two"
    assert Job.objects.filter(state=JobState.READY).count() == len(suspects) - 2


@pytest.mark.parametrize("is_polling", [True, False], ids=["free", "starting"])
def test_no_second_child_is_started_while_one_may_take_the_next(is_polling: bool) -> None:
    house = Household("1", most=2)
    make_job(rescues=1)
    house.tick()
    house.started[1].is_polling = is_polling

    house.tick(after=Quarantine.WAITING_LOOK_SECONDS)

    assert house.names == ["1", QUARANTINE]


def test_while_suspects_wait_the_next_look_comes_soon() -> None:
    house = Household("1")
    assert house.tick() is None

    make_job(rescues=1)
    house.supervisor.suspects_were_found()

    assert house.tick() == Quarantine.WAITING_LOOK_SECONDS


def test_what_wakes_pumps_does_not_wake_the_quarantine() -> None:
    house = Household("1")
    make_job(rescues=1)
    house.tick()

    house.supervisor.wake_pumps()

    ordinary, quarantine = house.started
    assert ordinary.told == [Wake()]
    assert quarantine.told == []


def test_a_child_that_retires_is_replaced_only_for_suspects() -> None:
    house = Household("1")
    suspect = make_job(rescues=1)
    house.tick()
    Job.objects.filter(pk=suspect.pk).delete()

    house.started[1].retires_because = "a handler does not end"
    house.tick(after=60)
    assert house.names == ["1", QUARANTINE]

    make_job(rescues=1)
    house.supervisor.suspects_were_found()
    house.tick(after=60)
    assert house.names == ["1", QUARANTINE, QUARANTINE]


class TestUntilEmpty:
    """Beside a pump, which ends the worker when the quarantine is idle too."""

    def test_it_is_idle_while_nobody_is_suspect(self) -> None:
        empty: list[bool] = []
        house = Household(on_empty=lambda: empty.append(True))
        assert not house.supervisor.is_idle, "nobody has looked yet"

        house.tick()

        assert house.supervisor.is_idle
        assert empty == [True]

    def test_it_is_not_while_a_child_runs_or_suspects_wait(self) -> None:
        house = Household(on_empty=lambda: None)
        suspect = make_job(rescues=1)
        house.tick()
        assert not house.supervisor.is_idle

        Job.objects.filter(pk=suspect.pk).delete()
        house.tick(after=60)
        assert not house.supervisor.is_idle, "what it took may be running"

        house.started[0].ends(0)
        house.tick()
        assert house.supervisor.is_idle

    def test_it_is_not_once_jobs_were_taken_back_from_a_dead_worker(self) -> None:
        house = Household(on_empty=lambda: None)
        house.tick()
        make_job(rescues=1)

        house.supervisor.suspects_were_found()

        assert not house.supervisor.is_idle
        house.tick()
        assert house.names == [QUARANTINE]

    def test_the_last_look_for_suspects_is_a_fresh_one(self) -> None:
        house = Household("1", on_empty=lambda: None)
        house.tick()
        make_job(rescues=1)

        house.started[0].ends(0)
        house.tick()

        assert not house.supervisor.is_idle
        assert house.names == ["1", QUARANTINE]
