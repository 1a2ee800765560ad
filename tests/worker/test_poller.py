"""The poller, one look at a time: whom it wakes, and when it looks again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from django_jobqueue.core.due import Due
from django_jobqueue.core.states import JobState
from django_jobqueue.store import store_for
from django_jobqueue.worker.poller import Poller
from tests.store.helpers import LONG_AGO, make_job, register_worker
from tests.store.schedules import save

from .bench import Time

pytestmark = pytest.mark.django_db

INTERVAL, POLL_INTERVAL = timedelta(seconds=2), timedelta(seconds=1)


class Looked:
    """A poller, and whom it has woken. A look at everything takes `took` seconds."""

    def __init__(self, *, hears: bool = True, took: float = 0.0) -> None:
        self.time, self.hears, self.woken = Time(), hears, list[str]()

        class Slow(type(store_for("default"))):  # type: ignore[misc]
            def due(_, **options: Any) -> Due:
                self.time.passes(took if options.get("since") is None else 0.0)
                found: Due = super().due(**options)
                return found

        self.poller = Poller(
            store=Slow("default"),
            interval=INTERVAL,
            poll_interval=POLL_INTERVAL,
            hears=lambda: self.hears,
            elapsed=self.time,
            **{
                name: self._noting(name)
                for name in ("pumps", "quarantine", "promoter", "scheduler", "reaper")
            },
        )

    def _noting(self, name: str) -> Callable[[], None]:
        return lambda: self.woken.append(name)

    def look(self, *, after: float = 0.0) -> float:
        self.time.passes(after)
        pause = self.poller.tick()
        assert pause is not None
        return pause


def test_where_nothing_is_to_do_nobody_is_woken() -> None:
    it = Looked()

    it.look()

    assert it.woken == []


@pytest.mark.parametrize(
    ("begin", "whom"),
    [
        (lambda: make_job(), "pumps"),
        (lambda: make_job(rescues=1), "quarantine"),
        (lambda: make_job(JobState.SCHEDULED, run_at=LONG_AGO), "promoter"),
        (lambda: make_job(JobState.BLOCKED, blocked_by="key:k"), "promoter"),
        (lambda: save(store_for("default")), "scheduler"),
        (lambda: register_worker(lease=timedelta(seconds=-1)), "reaper"),
    ],
    ids=["ready", "suspect", "scheduled", "blocked", "slot", "died"],
)
def test_it_wakes_whom_it_concerns(begin: Callable[[], object], whom: str) -> None:
    begin()
    it = Looked()

    it.look()

    assert it.woken == [whom]


def test_what_is_due_before_it_looks_again_is_waited_for_by_the_promoter() -> None:
    store, it = store_for("default"), Looked()
    now = store.database_now()
    later = make_job(JobState.SCHEDULED, run_at=now + timedelta(hours=1))
    it.look()
    assert it.woken == []

    type(later).objects.update(run_at=now + INTERVAL)
    it.look(after=2)

    assert it.woken == ["promoter"]


class TestPauses:
    def test_where_wake_ups_are_heard_it_takes_its_time(self) -> None:
        assert 1.8 <= Looked().look() <= 2.2

    def test_where_they_are_not_it_polls(self) -> None:
        assert 0.9 <= Looked(hears=False).look() <= 1.1

    def test_a_look_that_somebody_asks_for_does_not_put_off_its_own(self) -> None:
        it = Looked()
        first = it.look()

        assert it.look(after=1.0) == pytest.approx(first - 1.0)

    def test_looks_between_its_own_leave_the_pumps_alone(self) -> None:
        it = Looked()
        first = it.look()
        make_job()

        it.look(after=1.0)
        assert it.woken == []
        it.look(after=first - 1.0)

        assert it.woken == ["pumps"]

    @pytest.mark.sqlite
    def test_looks_that_take_long_come_seldom_however_often_it_is_asked(self) -> None:
        it = Looked(took=0.05)
        it.look()
        make_job(JobState.SCHEDULED, run_at=LONG_AGO)

        assert it.look(after=0.4) == pytest.approx(0.6)
        assert it.woken == []
        it.look(after=0.61)

        assert it.woken == ["promoter"]


@pytest.mark.postgresql
class TestWhereALookAtEverythingTakesLong:
    """A twentieth of the time may go into such: 0.05 seconds in one."""

    def test_one_that_is_asked_for_goes_on_from_the_last(self) -> None:
        it = Looked(took=0.05)
        it.look()
        soon = store_for("default").database_now() + timedelta(seconds=1)
        make_job(JobState.SCHEDULED, run_at=soon)

        it.look(after=0.01)

        assert it.woken == ["promoter"]

    def test_what_such_a_look_passes_over_is_found_by_the_next_at_everything(self) -> None:
        it = Looked(took=0.05)
        it.look()
        make_job(JobState.SCHEDULED, run_at=LONG_AGO)

        it.look(after=0.9)
        assert it.woken == []
        it.look(after=0.11)

        assert it.woken == ["promoter"]

    def test_pumps_that_a_look_of_its_own_left_alone_are_woken_by_that(self) -> None:
        it = Looked(took=0.15)
        first = it.look()  # a twentieth of the time: for three seconds, no other
        make_job()

        it.look(after=first)
        assert it.woken == []
        it.look(after=3.05 - first)

        assert it.woken == ["pumps"]
