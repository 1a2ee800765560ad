"""A supervisor and a child that does not react; time passes as the test says."""

import pytest

from django_jobqueue.core.states import JobState
from django_jobqueue.models import Job
from django_jobqueue.worker.messages import Ask
from django_jobqueue.worker.quarantine import QUARANTINE
from django_jobqueue.worker.stuck_children import StuckChildren
from tests.store.helpers import make_job

from .household import HandChild, Household

pytestmark = pytest.mark.django_db

LOOKS, SECOND = StuckChildren.LOOKS, StuckChildren.LOOK_SECONDS
LATE = StuckChildren.LATE_SECONDS + SECOND


@pytest.fixture
def house() -> Household:
    """With one child, which has claimed two jobs and begun the first."""
    house = Household("1")
    house.tick()
    make_job()
    make_job()
    house.started[0].claims(starts=1)
    return house


def child_of(house: Household) -> HandChild:
    return house.started[0]


def make_overdue(house: Household) -> None:
    child_of(house).must_end_by(house.time())


def look(house: Household, *, times: int, after: float = SECOND) -> None:
    for _ in range(times):
        house.tick(after=after)


def test_one_that_is_overdue_and_silent_is_killed_and_its_jobs_run_again(house: Household) -> None:
    make_overdue(house)
    look(house, times=LOOKS)
    assert not child_of(house).has_ended

    look(house, times=1)

    assert child_of(house).has_ended
    suspect, sound = Job.objects.order_by("pk")
    assert (suspect.state, suspect.rescues, suspect.attempt) == (JobState.READY, 1, 0)
    assert (sound.state, sound.rescues, sound.attempt) == (JobState.READY, 0, 0)
    assert house.names == ["1", "1", QUARANTINE]
    [facts] = house.told.of("child.killed")
    assert facts == {"child": "1", "pid": HandChild.pid, "job_ids": [suspect.pk]}
    assert child_of(house).killed_because == (
        f"it did not react, and was past the timeout of job {suspect.pk}"
    )


def test_it_is_asked_once_and_then_looked_at(house: Household) -> None:
    make_overdue(house)

    look(house, times=LOOKS)

    assert child_of(house).told.count(Ask()) == 1


def test_one_that_answers_is_never_killed(house: Household) -> None:
    make_overdue(house)
    for _ in range(5):
        look(house, times=LOOKS)
        child_of(house).answers()

    assert not child_of(house).has_ended


def test_one_without_an_overdue_job_may_be_silent_for_ever(house: Household) -> None:
    child_of(house).must_end_by(house.time() + 1000)

    look(house, times=10 * LOOKS)

    assert not child_of(house).has_ended
    assert child_of(house).told == []


def test_one_whose_job_has_ended_meanwhile_is_let_off(house: Household) -> None:
    make_overdue(house)
    look(house, times=LOOKS)

    child_of(house).marks.end(0)
    look(house, times=LOOKS)

    assert not child_of(house).has_ended


def test_who_was_stopped_with_its_children_gives_them_their_time(house: Household) -> None:
    make_overdue(house)
    look(house, times=LOOKS)
    look(house, times=10, after=LATE)
    look(house, times=LOOKS - 1)
    assert not child_of(house).has_ended

    look(house, times=1)

    assert child_of(house).has_ended


def test_looks_in_quick_succession_count_as_one(house: Household) -> None:
    make_overdue(house)

    look(house, times=10 * LOOKS, after=SECOND / 100)

    assert not child_of(house).has_ended


def test_the_next_look_comes_in_time_while_an_answer_is_awaited(house: Household) -> None:
    make_overdue(house)
    house.tick(after=SECOND)

    pause = house.tick(after=SECOND / 4)

    assert pause == pytest.approx(SECOND * 3 / 4)


def test_one_that_retires_is_killed_too(house: Household) -> None:
    child_of(house).retires_because = "it is old"
    make_overdue(house)

    look(house, times=LOOKS + 1)

    assert child_of(house).has_ended
