"""Which queues a worker asks, and in which order."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from django_jobqueue.core.specs import WantedJobs, Watermark
from django_jobqueue.store import store_for
from django_jobqueue.worker.options import WorkerOptions
from django_jobqueue.worker.queues import ServedQueues
from tests.store.helpers import LONG_AGO, make_job

from .bench import Time

pytestmark = pytest.mark.django_db


def test_a_list_rotates_so_that_each_queue_comes_first_in_its_turn() -> None:
    queues = ServedQueues(store_for("default"), configured=["a", "b", "c"])

    looks = [queues.names(fresh=False) for _ in range(3)]

    assert {look[0] for look in looks} == {"a", "b", "c"}
    assert all(sorted(look) == ["a", "b", "c"] for look in looks)


def test_a_strict_list_keeps_its_order() -> None:
    queues = ServedQueues(store_for("default"), configured=["b", "a"], strict=True)

    assert [queues.names(fresh=False) for _ in range(3)] == [["b", "a"]] * 3


def test_a_list_serves_what_it_names_and_nothing_else() -> None:
    options = WorkerOptions(queues=["mail"])

    assert (options.serves("mail"), options.serves("other")) == (True, False)


def test_without_a_list_every_queue_is_served() -> None:
    assert WorkerOptions().serves("anything")


def test_without_a_list_the_queues_with_ready_jobs_are_asked() -> None:
    for queue in ("mail", "mail", "reports"):
        make_job(queue=queue)
    queues = ServedQueues(store_for("default"))

    assert sorted(queues.names(fresh=False)) == ["mail", "reports"]


def test_a_new_queue_is_found_within_the_refresh_or_when_there_is_nothing_to_do() -> None:
    time = Time()
    queues = ServedQueues(store_for("default"), refresh_seconds=1.0, elapsed=time)
    assert queues.names(fresh=False) == []
    make_job(queue="new")

    assert queues.names(fresh=False) == []
    assert queues.names(fresh=True) == ["new"]
    make_job(queue="newer")
    time.passes(1)
    assert sorted(queues.names(fresh=False)) == ["new", "newer"]


class TestTold:
    """Notifications name the queue: who waits for its job does not wait for a look for queues."""

    def setup_method(self) -> None:
        self.looks: Any = SlowLooks()
        self.queues = ServedQueues(self.looks, elapsed=self.looks.time)
        self.looks.time.passes(10)

    def look(self) -> list[str]:
        return self.queues.names(fresh=True)

    def test_a_queue_that_was_told_is_asked_without_a_look_for_others(self) -> None:
        self.queues.tell("mail")

        assert self.look() == ["mail"]
        assert self.looks.hinted == []
        assert not self.queues.has_swept

    def test_the_next_look_is_for_all_however_often_one_is_told(self) -> None:
        make_job(queue="quiet")

        for _ in range(4):
            self.queues.tell("mail")
            told = self.look()

        assert len(self.looks.hinted) == 2
        assert sorted(told) == ["mail", "quiet"]

    def test_where_nobody_knows_which_queue_it_is_all_are_looked_for(self) -> None:
        self.queues.tell("mail")
        self.queues.tell(None)

        assert self.look() == ["mail"]
        assert len(self.looks.hinted) == 1

    def test_who_is_busy_neither_forgets_it_nor_looks_for_others(self) -> None:
        make_job(queue="busy")
        self.look()

        self.queues.tell("mail")

        assert sorted(self.queues.names(fresh=False)) == ["busy", "mail"]
        assert len(self.looks.hinted) == 1

    def test_a_worker_with_a_list_asks_what_it_names(self) -> None:
        listed = ServedQueues(self.looks, configured=["mail"], elapsed=self.looks.time)
        listed.tell("mail")

        assert listed.names(fresh=True) == ["mail"]


class SlowLooks:
    """Looks into the store; one that passes nothing over takes `cost` seconds."""

    def __init__(self) -> None:
        self.time, self.cost = Time(), 0.1
        self.hinted: list[bool] = []

    def queues_with_ready_jobs(self, known: Sequence[WantedJobs] = ()) -> list[str]:
        self.hinted.append(bool(known))
        self.time.passes(0.0 if known else self.cost)
        return store_for("default").queues_with_ready_jobs(known)


class TestBesideDeadRows:
    def setup_method(self) -> None:
        self.looks: Any = SlowLooks()
        mail = WantedJobs("mail", 1, (Watermark(0, datetime(2026, 1, 1, 12, tzinfo=UTC)),))
        self.time = self.looks.time
        self.queues = ServedQueues(self.looks, known=lambda: [mail], elapsed=self.time)

    def look(self, *, hurried: bool = False) -> list[str]:
        return self.queues.names(fresh=True, hurried=hurried)

    def test_what_lies_behind_the_watermarks_is_looked_for_a_twentieth_of_the_time(self) -> None:
        self.look()
        make_job(queue="mail", ready_at=LONG_AGO)

        for _ in range(4):
            self.time.passes(0.49)
            self.look()
        assert (self.looks.hinted, self.queues.has_swept) == ([False] + [True] * 4, False)

        self.time.passes(0.05)
        assert self.look() == ["mail"]
        assert (self.looks.hinted[-1], self.queues.has_swept) == (False, True)

    def test_a_queue_that_is_not_known_is_found_by_any_look(self) -> None:
        self.look()
        for queue in ("a", "z"):
            make_job(queue=queue, ready_at=LONG_AGO)
        make_job(queue="mail")

        assert sorted(self.look()) == ["a", "mail", "z"]
        assert self.looks.hinted == [False, True]

    def test_a_look_that_somebody_waits_for_is_not_held_up(self) -> None:
        self.looks.cost = 0.01
        self.look()
        self.time.passes(1.9)

        self.look(hurried=True)
        self.look()

        assert self.looks.hinted == [False, True, False]
