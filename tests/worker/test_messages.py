"""The line between a supervisor and a child."""

import socket
import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest

from django_jobqueue.worker.messages import (
    Beat,
    CancelRequested,
    Channel,
    Holding,
    Message,
    Polling,
    Retiring,
    Stop,
    Wake,
)

PATIENCE = 10.0
Line = tuple[Channel, Channel]


@pytest.fixture
def line() -> Iterator[Line]:
    ours, theirs = socket.socketpair()
    supervisor, child = Channel(ours, hears="child"), Channel(theirs, hears="supervisor")
    yield supervisor, child
    supervisor.close()
    child.close()


def heard(channel: Channel) -> list[Message]:
    """All that came before the line ended."""
    return list(channel.messages())


def test_each_side_hears_what_the_other_says_in_order(line: Line) -> None:
    supervisor, child = line
    said = [Beat(uuid4(), 12.5), Wake(), CancelRequested([1, 2**40]), Stop()]
    answered = [Polling(), Holding(at=1.5, claims={uuid4(): [3, 4]}), Retiring("old")]
    for message in said:
        assert supervisor.send(message)
    for message in answered:
        assert child.send(message)
    child.close()

    assert heard(supervisor) == answered


def test_a_child_hears_all_that_was_said_before_its_supervisor_died(line: Line) -> None:
    supervisor, child = line
    supervisor.send(Wake())
    supervisor.send(Stop())
    supervisor.close()

    assert heard(child) == [Wake(), Stop()]


def test_a_word_that_was_cut_short_is_not_heard() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours, hears="child")
    theirs.sendall(b'{"type":"Polling"}\n{"type":"Hold')
    theirs.close()

    assert heard(channel) == [Polling()]
    channel.close()


def test_nobody_waits_for_a_side_that_takes_nothing(line: Line) -> None:
    supervisor, _ = line

    told = [supervisor.send(CancelRequested(list(range(1000)))) for _ in range(2000)]

    assert told[0]
    assert not told[-1]


def test_what_was_not_taken_is_heard_later_and_whole(line: Line) -> None:
    supervisor, child = line
    message = CancelRequested(list(range(1000)))
    taken = sum(supervisor.send(message) for _ in range(2000))
    came: list[Message] = []
    listener = threading.Thread(target=lambda: came.extend(child.messages()))
    listener.start()
    while not supervisor.send(Stop()):  # the listener makes room for it
        pass
    while supervisor._unsent:
        supervisor.send(Wake())
    supervisor.close()
    listener.join(PATIENCE)

    assert came[:taken] == [message] * taken
    assert Stop() in came


def test_speaking_to_a_dead_process_is_no_error(line: Line) -> None:
    supervisor, child = line
    child.close()

    assert not supervisor.send(Wake())
    assert heard(supervisor) == []


def test_hanging_up_lets_go_who_listens(line: Line) -> None:
    _, child = line
    listener = threading.Thread(target=heard, args=[child])
    listener.start()

    child.close()

    listener.join(PATIENCE)
    assert not listener.is_alive()
