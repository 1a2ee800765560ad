import threading

import pytest

from django_jobqueue.service import StopReceiver, StopSender

from .running import PATIENCE


@pytest.fixture
def sender():
    return StopSender()


def test_a_receiver_hears_of_a_stop_that_was_sent_before_and_after_it_was_made(sender):
    before = sender.receiver()
    assert not before.is_set()

    sender.send()

    assert before.is_set()
    assert sender.receiver().is_set()


def test_a_clone_hears_the_same_stop_whenever_it_was_made(sender):
    receiver = sender.receiver()
    early = receiver.clone()
    assert early is not receiver
    assert not early.is_set()

    sender.send()

    assert early.is_set()
    assert early.clone().is_set()


def test_stop_is_one_way():
    public = {name for name in dir(StopReceiver) if not name.startswith("_")}

    assert public == {"clone", "is_set", "wait", "notifying"}


def test_sending_twice_notifies_once(sender):
    calls = []
    with sender.receiver().notifying(lambda: calls.append("stop")):
        sender.send()
        sender.send()

    assert calls == ["stop"]
    assert sender.receiver().is_set()


def test_wait_says_whether_stop_came_within_the_timeout(sender):
    receiver = sender.receiver()
    assert receiver.wait(0) is False

    sender.send()

    assert receiver.wait() is True


def test_whoever_waits_is_woken_by_the_stop(sender):
    receiver = sender.receiver()
    waits, woken = threading.Event(), []

    def wait():
        waits.set()
        woken.append(receiver.wait(PATIENCE))

    thread = threading.Thread(target=wait, name="jobqueue-waiter")
    thread.start()
    waits.wait(PATIENCE)
    sender.send()
    thread.join(PATIENCE)

    assert woken == [True]


def test_a_callback_finds_the_stop_set(sender):
    receiver, found = sender.receiver(), []
    with receiver.notifying(lambda: found.append(receiver.is_set())):
        sender.send()

    assert found == [True]


def test_a_callback_comes_at_once_where_stop_has_come(sender):
    sender.send()
    calls = []
    with sender.receiver().notifying(lambda: calls.append("stop")):
        assert calls == ["stop"]


def test_a_callback_is_forgotten_when_its_block_is_left(sender):
    calls = []
    with sender.receiver().notifying(lambda: calls.append("stop")):
        pass
    sender.send()

    assert calls == []


def test_a_callback_that_raises_keeps_none_of_the_others_from_being_told(sender):
    calls = []

    def broken():
        raise ValueError("broken callback")

    receiver = sender.receiver()
    with (
        receiver.notifying(lambda: calls.append("first")),
        receiver.notifying(broken),
        receiver.notifying(lambda: calls.append("last")),
        pytest.raises(ValueError, match="broken callback"),
    ):
        sender.send()

    assert calls == ["first", "last"]
