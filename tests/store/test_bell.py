"""What a pump waits for: another thread, or something to read."""

import socket
import threading
from collections.abc import Iterator

import pytest

from django_jobqueue.core.clock import monotonic
from django_jobqueue.store.bell import Bell
from tests.worker.site import PATIENCE

#: The shortest wait that is not a short one.
SOON = Bell.SHORT_SECONDS
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def bell() -> Iterator[Bell]:
    it = Bell()
    yield it
    it.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def waiting(bell: Bell, fileno: int | None = None) -> threading.Thread:
    """A thread that waits, once it does."""
    thread = threading.Thread(target=bell.wait_beside, args=(fileno, PATIENCE))
    thread.start()
    while bell._waiter is None:
        pass
    return thread


def test_who_sets_it_before_is_not_waited_for(bell: Bell) -> None:
    bell.set()

    assert not bell.wait_beside(None, PATIENCE)
    assert bell.is_set()


def test_while_it_is_set_no_wait_takes_any_time(bell: Bell) -> None:
    bell.set()
    began = monotonic()

    for _ in range(10):
        assert not bell.wait_beside(None, PATIENCE)

    assert monotonic() - began < PATIENCE


def test_a_wait_for_others_alone_says_whether_it_is_set_by_then(bell: Bell) -> None:
    assert not bell.wait(0.0)

    threading.Timer(0.05, bell.set).start()

    assert bell.wait(PATIENCE)


def test_who_sets_it_meanwhile_ends_the_wait(bell: Bell) -> None:
    thread = waiting(bell)

    bell.set()
    bell.set()

    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_that_it_was_set_before_ends_no_later_wait(bell: Bell, pair: Pair) -> None:
    ours, theirs = pair
    thread = waiting(bell)
    bell.set()
    thread.join(PATIENCE)
    bell.clear()
    assert not bell.is_set()

    threading.Timer(0.05, theirs.send, [b"x"]).start()

    assert bell.wait_beside(ours.fileno(), PATIENCE)


def test_that_it_was_set_while_nobody_waited_ends_no_later_wait(bell: Bell, pair: Pair) -> None:
    ours, theirs = pair
    assert not bell.wait_beside(None, SOON)
    bell.set()
    bell.clear()

    threading.Timer(0.05, theirs.send, [b"x"]).start()

    assert bell.wait_beside(ours.fileno(), PATIENCE)


def test_a_short_wait_lasts_as_long_as_was_said(bell: Bell) -> None:
    began = monotonic()

    assert not bell.wait_beside(None, SOON / 2)

    assert monotonic() - began > SOON / 4


@pytest.mark.parametrize("seconds", [SOON, 0.01])
def test_a_wait_of_a_few_milliseconds_is_no_short_one(
    bell: Bell, pair: Pair, seconds: float
) -> None:
    ours, theirs = pair
    theirs.send(b"x")

    assert bell.wait_beside(ours.fileno(), seconds)


def test_a_short_wait_ends_in_time_and_says_nothing_of_what_can_be_read(
    bell: Bell, pair: Pair
) -> None:
    ours, theirs = pair
    theirs.send(b"x")

    assert not bell.wait_beside(ours.fileno(), SOON / 5)
    assert bell._ends is None  # nor does it need anything
    bell.set()
    assert not bell.wait_beside(ours.fileno(), SOON / 5)


@pytest.mark.parametrize("seconds", [None, 1e9, float("inf")])
def test_one_may_wait_for_ever(bell: Bell, pair: Pair, seconds: float | None) -> None:
    ours, theirs = pair
    theirs.send(b"x")

    assert bell.wait_beside(ours.fileno(), seconds)


def test_what_can_be_read_ends_the_wait(bell: Bell, pair: Pair) -> None:
    ours, theirs = pair
    theirs.send(b"x")

    assert bell.wait_beside(ours.fileno(), PATIENCE)
    assert not bell.is_set()
    assert ours.recv(1) == b"x"
    assert not bell.wait_beside(ours.fileno(), SOON)


def test_it_says_so_although_it_is_set(bell: Bell, pair: Pair) -> None:
    ours, theirs = pair
    theirs.send(b"x")
    bell.set()

    assert bell.wait_beside(ours.fileno(), PATIENCE)


def test_what_is_not_waited_for_any_more_ends_no_wait(bell: Bell, pair: Pair) -> None:
    ours, theirs = pair
    assert not bell.wait_beside(ours.fileno(), SOON)
    theirs.send(b"x")

    assert not bell.wait_beside(None, SOON)


def test_a_file_that_was_closed_is_followed_by_one_of_the_same_number(
    bell: Bell, pair: Pair
) -> None:
    ours, _ = pair
    number = ours.fileno()
    assert not bell.wait_beside(number, SOON)
    ours.close()
    # Whoever opens the next ones gets the lowest number that is free.
    first, second = socket.socketpair()
    with first, second:
        assert number in (first.fileno(), second.fileno())
        readable, other = (first, second) if first.fileno() == number else (second, first)
        other.send(b"x")

        assert bell.wait_beside(readable.fileno(), PATIENCE)


def test_once_closed_it_can_be_set_and_waited_for_again(bell: Bell) -> None:
    bell.wait_beside(None, SOON)
    bell.close()
    bell.close()
    bell.set()

    assert not bell.wait_beside(None, PATIENCE)
    assert bell.is_set()
