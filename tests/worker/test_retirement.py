"""When a child has run for long enough."""

from datetime import timedelta

import pytest

from django_jobqueue.worker.options import Recycling
from django_jobqueue.worker.retirement import Retirement, resident_bytes

from .bench import Time


class Life:
    """What a child has done so far, and why it retired."""

    def __init__(self, recycling: Recycling, *, spread: float = 1.0) -> None:
        self.time, self.jobs, self.memory = Time(), 0, 0
        self.reasons: list[str] = []
        self.retirement = Retirement(
            recycling,
            finished=lambda: self.jobs,
            retire=self.reasons.append,
            elapsed=self.time,
            memory=lambda: self.memory,
            spread=lambda: spread,
        )


def test_without_limits_a_child_never_retires() -> None:
    life = Life(Recycling())
    life.jobs, life.memory = 10**9, 10**12
    life.time.passes(10**6)

    life.retirement.tick()

    assert life.reasons == []


def test_it_retires_after_its_share_of_jobs() -> None:
    life = Life(Recycling(jobs=100))
    life.jobs = 99
    life.retirement.tick()
    assert life.reasons == []

    life.jobs = 100
    life.retirement.tick()

    assert life.reasons == ["it has run 100 jobs"]


def test_it_retires_when_it_holds_too_much_memory() -> None:
    life = Life(Recycling(memory_bytes=1000))
    life.memory = 1500

    life.retirement.tick()

    assert life.reasons == ["it holds 1,500 bytes of memory"]


def test_it_retires_of_age() -> None:
    life = Life(Recycling(age=timedelta(minutes=1)))
    life.time.passes(61)

    life.retirement.tick()

    assert life.reasons == ["it is 61 s old"]


def test_it_retires_once_whatever_else_comes_true() -> None:
    life = Life(Recycling(jobs=1, age=timedelta(seconds=1)))
    life.jobs = 5
    life.time.passes(5)

    for _ in range(3):
        life.retirement.tick()

    assert len(life.reasons) == 1


@pytest.mark.parametrize(("spread", "retires"), [(0.9, True), (1.1, False)])
def test_children_that_started_together_do_not_retire_together(
    spread: float, retires: bool
) -> None:
    life = Life(Recycling(jobs=100), spread=spread)
    life.jobs = 95

    life.retirement.tick()

    assert bool(life.reasons) == retires


def test_memory_is_measured_as_the_system_tells_it() -> None:
    before = resident_bytes()
    held = bytearray(64 * 1024 * 1024)
    held[::4096] = b"x" * len(held[::4096])

    assert resident_bytes() - before > 32 * 1024 * 1024
