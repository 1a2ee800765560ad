"""What a worker knows of limits, and how often it asks whether any job has a key."""

import pytest

from django_jobqueue.core.limits import LimitsInForce
from django_jobqueue.models import Job
from django_jobqueue.permits.distributed import KnownLimits
from django_jobqueue.store import store_for
from tests.store.helpers import make_job

from .bench import Time

pytestmark = pytest.mark.django_db


class Asked:
    """Known limits, where a look for keys takes so many seconds."""

    def __init__(self, *, took: float) -> None:
        self.time, self.looks = Time(), list[bool]()

        class Slow(type(store_for("default"))):  # type: ignore[misc]
            def limits_in_force(_, *, keys: bool = True) -> LimitsInForce:
                self.looks.append(keys)
                self.time.passes(took if keys else 0.0)
                found: LimitsInForce = super().limits_in_force(keys=keys)
                return found

        self.known = KnownLimits(
            Slow("default"), declared=lambda: (), running=lambda: (), elapsed=self.time
        )

    def has_keys_after(self, seconds: float) -> bool:
        self.time.passes(seconds)
        self.known.refresh()
        return self.known.in_force.has_keys


def test_where_that_costs_nothing_each_look_asks() -> None:
    it = Asked(took=0.0)
    assert not it.has_keys_after(0)
    make_job(concurrency_key="k")

    assert it.has_keys_after(1)
    Job.objects.all().delete()
    assert not it.has_keys_after(1)


@pytest.mark.parametrize(("took", "pause"), [(0.1, 2.0), (1.0, 5.0)])
def test_where_none_had_one_the_next_may_wait_some_seconds(took: float, pause: float) -> None:
    it = Asked(took=took)
    it.has_keys_after(0)
    make_job(concurrency_key="k")

    assert not it.has_keys_after(pause - 0.1)
    assert it.has_keys_after(1.1)
    assert it.looks == [True, False, True]


@pytest.mark.parametrize(("took", "pause"), [(0.1, 20.0), (1.0, 60.0)])
def test_where_some_had_it_is_believed_for_longer(took: float, pause: float) -> None:
    make_job(concurrency_key="k")
    it = Asked(took=took)
    it.has_keys_after(0)
    Job.objects.all().delete()

    assert it.has_keys_after(pause - 0.1)
    assert not it.has_keys_after(1.1)
    assert it.looks == [True, False, True]


def test_what_else_is_set_is_asked_for_each_time() -> None:
    it = Asked(took=1.0)
    it.has_keys_after(0)
    store_for("default").configure_queue("mail", {"max_running": 2})

    it.has_keys_after(1)

    assert list(it.known.in_force.queues) == ["mail"]


def test_beside_a_claim_they_are_asked_for_only_where_keys_may_be() -> None:
    it = Asked(took=0.1)
    it.has_keys_after(0)
    it.time.passes(1.5)
    assert not it.known.are_asked_beside()
    it.time.passes(1)
    assert it.known.are_asked_beside()

    it.known.learn(LimitsInForce(), took=0.1)
    it.time.passes(1.5)

    assert not it.known.are_asked_beside()


def test_where_it_keeps_nobody_waiting_they_are_asked_for_sooner() -> None:
    it = Asked(took=0.0)
    it.has_keys_after(0)

    it.time.passes(0.4)
    assert not it.known.are_asked_beside(soon=True)
    it.time.passes(0.2)
    assert it.known.are_asked_beside(soon=True)
    assert not it.known.are_asked_beside()
