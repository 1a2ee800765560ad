"""Which queues a worker asks, and in which order."""

import pytest

from django_jobqueue.store import store_for
from django_jobqueue.worker.options import WorkerOptions
from django_jobqueue.worker.queues import ServedQueues
from tests.store.helpers import make_job

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
