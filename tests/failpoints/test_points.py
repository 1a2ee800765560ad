"""What is armed happens once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .points import Action, Failpoints, Point

HERE, ELSEWHERE = Point.AFTER_CLAIM_COMMIT, Point.BEFORE_HANDLER


@pytest.fixture
def failpoints(tmp_path: Path) -> Failpoints:
    return Failpoints(tmp_path)


def test_nothing_happens_where_nothing_is_armed(failpoints: Failpoints) -> None:
    failpoints.arm(ELSEWHERE, Action.KILL)

    assert failpoints.take(HERE) is None
    assert failpoints.fired() == []


def test_one_of_all_who_come_to_it_takes_it(failpoints: Failpoints) -> None:
    failpoints.arm(HERE, Action.RAISE)

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(failpoints.take, [HERE] * 100))

    assert [one for one in taken if one] == [Action.RAISE]
    [fired] = failpoints.fired()
    assert str(fired) == "after_claim_commit:raise"


def test_it_may_be_armed_again(failpoints: Failpoints) -> None:
    for action in (Action.PAUSE, Action.PAUSE, Action.KILL):
        failpoints.arm(HERE, action)
        assert failpoints.take(HERE) is action

    fired = sorted(map(str, failpoints.fired()))
    assert fired == [f"{HERE}:kill", f"{HERE}:pause", f"{HERE}:pause"]


def test_what_is_disarmed_never_happens(failpoints: Failpoints) -> None:
    failpoints.arm(HERE, Action.KILL)
    assert failpoints.are_armed
    failpoints.disarm()

    assert not failpoints.are_armed
    assert failpoints.take(HERE) is None
