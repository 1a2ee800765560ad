"""When a pump asks its queues for work."""

import pytest

from django_jobqueue.worker.looking import Looking

from .bench import Time


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def looking(time: Time) -> Looking:
    return Looking(poll_seconds=1.0, elapsed=time)


def pauses(looking: Looking, time: Time, *, count: int, in_hand: bool = False) -> list[float]:
    """The pauses between looks that find nothing."""
    found = []
    for _ in range(count):
        looking.begin()
        looking.found(0, of=10, in_hand=in_hand)
        found.append(looking.due_in)
        time.passes(looking.due_in)
    return found


def test_the_first_look_comes_at_once(looking: Looking) -> None:
    assert looking.due_in == 0


def test_looks_that_find_nothing_become_rarer_down_to_the_poll_interval(
    looking: Looking, time: Time
) -> None:
    found = pauses(looking, time, count=15)

    assert found[0] <= 0.011
    assert all(0.9 <= pause <= 1.1 for pause in found[-3:])


def test_where_others_look_too_it_goes_on_to_look_more_seldom(time: Time) -> None:
    looking = Looking(poll_seconds=1.0, longest_seconds=5.0, elapsed=time)

    found = pauses(looking, time, count=15)

    assert all(4.5 <= pause <= 5.5 for pause in found[-3:])


def test_with_jobs_in_hand_it_does_not(time: Time) -> None:
    looking = Looking(poll_seconds=1.0, longest_seconds=5.0, elapsed=time)
    pauses(looking, time, count=15)

    assert 0.9 <= pauses(looking, time, count=1, in_hand=True)[0] <= 1.1


def test_once_somebody_asked_it_looks_again_within_the_poll_interval(time: Time) -> None:
    looking = Looking(poll_seconds=1.0, longest_seconds=5.0, elapsed=time)
    pauses(looking, time, count=15)

    looking.ask()

    assert 0.9 <= pauses(looking, time, count=1)[0] <= 1.1


def test_after_work_it_stays_attentive_for_a_while(looking: Looking, time: Time) -> None:
    pauses(looking, time, count=15)
    looking.begin()
    looking.found(3, of=10)
    time.passes(looking.due_in)

    found = pauses(looking, time, count=10)
    assert sum(found) >= 0.1
    assert max(found) <= looking.ATTENTIVE_PAUSE * 1.1


def test_a_full_answer_says_that_there_is_more(looking: Looking) -> None:
    looking.begin()
    looking.found(10, of=10)

    assert (looking.is_asked, looking.due_in) == (True, 0)


def test_a_short_answer_is_the_end_of_the_line(looking: Looking) -> None:
    looking.begin()
    looking.found(9, of=10)

    assert not looking.is_asked
    assert looking.due_in > 0


def test_who_asks_during_a_look_is_not_forgotten(looking: Looking) -> None:
    looking.begin()
    looking.ask()
    looking.found(0, of=10)

    assert looking.due_in == 0


def test_it_knows_whether_the_last_look_was_in_vain(looking: Looking, time: Time) -> None:
    assert not looking.in_vain
    pauses(looking, time, count=1)
    assert looking.in_vain
    looking.found(1, of=10)
    assert not looking.in_vain


def test_a_look_without_room_says_nothing_of_the_queues(looking: Looking, time: Time) -> None:
    looking.begin()
    looking.found(10, of=10)
    looking.begin()
    looking.found(0, of=0, had_room=False)

    assert not looking.in_vain
    assert looking.due_in > 0


def test_a_look_knows_whether_somebody_asked_for_it(looking: Looking) -> None:
    asked = []
    for ask in (False, True, False):
        if ask:
            looking.ask()
        looking.begin()
        looking.found(10, of=10)
        asked.append(looking.was_woken)

    assert asked == [False, True, False]
