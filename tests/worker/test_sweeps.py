"""When a look that passes nothing over may be paid for."""

import pytest

from django_jobqueue.worker.sweeps import Sweeps

from .bench import Time


class Swept:
    """Sweeps that cost so many seconds each."""

    def __init__(self, cost: float) -> None:
        self.time, self.cost = Time(), cost
        self.sweeps = Sweeps(elapsed=self.time)
        self.sweep()

    def sweep(self) -> None:
        assert self.sweeps.may_begin()
        self.time.passes(self.cost)
        self.sweeps.ended()

    def may_begin_after(self, seconds: float, *, hurried: bool = False) -> bool:
        self.time.passes(seconds)
        return self.sweeps.may_begin(hurried=hurried)


@pytest.mark.parametrize(("cost", "pause"), [(0.01, 0.2), (0.1, 2.0), (10.0, 5.0)])
def test_they_take_a_twentieth_of_the_time_and_are_five_seconds_apart_at_most(
    cost: float, pause: float
) -> None:
    swept = Swept(cost)

    assert not swept.may_begin_after(pause - 0.01)
    assert swept.may_begin_after(0.02)


def test_what_costs_nothing_may_be_had_again_at_once() -> None:
    assert Swept(0.0).may_begin_after(0.0)


def test_a_look_that_somebody_waits_for_leaves_them_to_the_next_for_a_while() -> None:
    swept = Swept(0.01)

    assert not swept.may_begin_after(1.9, hurried=True)
    assert swept.may_begin_after(0.0)
    assert swept.may_begin_after(0.2, hurried=True)


def test_the_first_is_never_put_off() -> None:
    assert Sweeps(elapsed=Time()).may_begin(hurried=True)
