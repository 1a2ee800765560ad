import threading

import pytest

from django_jobqueue.service import StopSender
from django_jobqueue.service.barrier import Barrier

from .running import GLANCE, PATIENCE


@pytest.fixture
def sender():
    return StopSender()


def passing(barrier):
    """Have a thread pass the barrier; its answers come in the list, its end in the thread."""
    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(barrier.pass_through()), name="jobqueue-party"
    )
    thread.start()
    return answers, thread


def test_nobody_passes_before_the_last_has_arrived(sender):
    barrier = Barrier(3, stop=sender.receiver())
    answers, thread = passing(barrier)
    barrier.arrive()
    thread.join(GLANCE)
    assert answers == []

    barrier.arrive()
    thread.join(PATIENCE)

    assert answers == [True]


def test_stop_sends_away_who_waits(sender):
    answers, thread = passing(Barrier(2, stop=sender.receiver()))
    sender.send()
    thread.join(PATIENCE)

    assert answers == [False]


def test_stop_wins_where_it_comes_together_with_the_last_arrival(sender):
    barrier = Barrier(1, stop=sender.receiver(), on_open=sender.send)

    assert barrier.pass_through() is False


def test_a_stop_after_it_opened_sends_nobody_away_however_late_they_look(sender):
    """Or, of two parties, one would go on and the other not."""
    barrier = Barrier(1, stop=sender.receiver())
    assert barrier.pass_through() is True
    sender.send()

    assert barrier.pass_through() is True


@pytest.mark.parametrize("parties", [0, 1, 2])
def test_opening_is_told_once(sender, parties):
    opened = []
    barrier = Barrier(parties, stop=sender.receiver(), on_open=lambda: opened.append("open"))
    for _ in range(parties):
        barrier.arrive()

    assert opened == ["open"]
