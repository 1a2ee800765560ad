import os
import signal
import socket
import threading

import pytest

from django_jobqueue.service import (
    RegistrationFailed,
    Service,
    ServiceFailed,
    ServiceTaskKind,
    SignalTask,
    StopSender,
)

from .running import GLANCE, PATIENCE, running, task

UNCONSTRAINED = ServiceTaskKind.UNCONSTRAINED_TASK
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def send(number):
    os.kill(os.getpid(), number)


@pytest.fixture(autouse=True)
def previous_handlers():
    """Handlers of somebody else, which must be back after the service."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    handlers = {number: (lambda *_, number=number: None) for number in SIGNALS}
    for number, handler in handlers.items():
        signal.signal(number, handler)
    yield handlers
    for number, handler in before.items():
        signal.signal(number, handler)


def installed():
    return {number: signal.getsignal(number) for number in SIGNALS}


def test_is_an_unconstrained_task():
    assert SignalTask().kind is UNCONSTRAINED


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_stops_the_service_which_ends_well(number):
    stopped, signals = [], SignalTask()

    def work(stop):
        send(number)
        stopped.append(stop.wait(PATIENCE))

    Service([signals, task("work", work)]).run()

    assert stopped == [True]
    assert signals.received == [number]


def test_without_a_signal_the_service_goes_on():
    stopped = []

    def work(stop):
        stopped.append(stop.wait(GLANCE))

    Service([SignalTask(), task("work", work)]).run()

    assert stopped == [False]


def test_signals_that_come_while_the_one_before_is_seen_to_are_all_received():
    busy, may_go_on, all_seen = threading.Event(), threading.Event(), threading.Event()

    def on_second_signal(number):
        busy.set()
        may_go_on.wait(PATIENCE)
        if len(signals.received) == 2 + len(SIGNALS):
            all_seen.set()

    signals = SignalTask(on_second_signal=on_second_signal)

    def work(stop):
        send(signal.SIGTERM)
        assert stop.wait(PATIENCE)
        send(signal.SIGTERM)
        assert busy.wait(PATIENCE)
        for number in SIGNALS:
            send(number)
        may_go_on.set()
        all_seen.wait(PATIENCE)

    Service([signals, task("work", work)]).run()

    assert signals.received[:2] == [signal.SIGTERM, signal.SIGTERM]
    assert sorted(signals.received[2:]) == sorted(SIGNALS)


def test_the_previous_handlers_are_back_after_the_service(previous_handlers):
    while_running = []
    Service([SignalTask(), task("work", lambda stop: while_running.append(installed()))]).run()

    assert installed() == previous_handlers
    assert all(while_running[0][number] is not previous_handlers[number] for number in SIGNALS)


def test_the_previous_handlers_are_back_after_a_service_that_failed(previous_handlers):
    with pytest.raises(ServiceFailed):
        Service([SignalTask(), task("work", lambda stop: 1 / 0)]).run()

    assert installed() == previous_handlers


def test_the_previous_handlers_are_back_when_one_signal_cannot_be_handled(previous_handlers):
    signals = SignalTask(signals=(*SIGNALS, signal.SIGKILL))

    with pytest.raises(RegistrationFailed, match="task signals could not be set up"):
        Service([signals]).run()

    assert installed() == previous_handlers


def test_the_task_ends_with_a_stop_of_any_other_reason():
    signals = SignalTask()
    Service([signals, task("work", lambda stop: None)], shutdown_timeout=PATIENCE).run()

    assert signals.received == []


def test_outside_the_main_thread_the_registration_fails():
    with running(Service([SignalTask(), task("work")])) as it:
        error = it.end()

    assert isinstance(error, RegistrationFailed)
    assert "only be handled in the main thread" in str(error)


def test_a_second_signal_is_reported_while_the_service_drains():
    reported, hurry = [], threading.Event()

    def on_second_signal(number):
        reported.append((number, threading.current_thread() is threading.main_thread()))
        hurry.set()

    def pump(stop):
        send(signal.SIGTERM)
        assert stop.wait(PATIENCE)
        assert not hurry.is_set()
        send(signal.SIGINT)
        assert hurry.wait(PATIENCE)

    Service([SignalTask(on_second_signal=on_second_signal), task("pump", pump)]).run()

    assert reported == [(signal.SIGINT, False)]


def test_every_further_signal_is_reported_although_a_report_failed(caplog):
    calls, hurry = [], threading.Event()

    def on_second_signal(number):
        calls.append(number)
        hurry.set()
        if len(calls) == 1:
            raise ValueError("cannot hurry")

    def pump(stop):
        send(signal.SIGTERM)
        assert stop.wait(PATIENCE)
        for number in SIGNALS:
            send(number)
            assert hurry.wait(PATIENCE)
            hurry.clear()

    Service([SignalTask(on_second_signal=on_second_signal), task("pump", pump)]).run()

    assert calls == list(SIGNALS)
    assert "on_second_signal failed: ValueError: cannot hurry" in caplog.text


def test_a_signal_is_noticed_although_it_does_not_wake_the_main_thread():
    signals, stop, asleep = SignalTask(), StopSender(), threading.Event()

    def send_to_a_sleeping_process():
        asleep.wait(PATIENCE)
        stop.receiver().wait(GLANCE)
        send(signal.SIGTERM)

    with signals.around():
        sender = threading.Thread(target=send_to_a_sleeping_process, name="jobqueue-sender")
        sender.start()
        way_out = threading.Timer(PATIENCE, stop.send)
        way_out.start()
        # From here on the kernel gives the signal to another thread.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        asleep.set()
        signals.run(stop.receiver())
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        way_out.cancel()
        way_out.join(PATIENCE)
        sender.join(PATIENCE)

    assert not stop.receiver().is_set()
    assert signals.received == [signal.SIGTERM]


def test_signals_of_others_are_left_to_them():
    theirs, came = [], threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: (theirs.append("SIGUSR1"), came.set()))
    signals = SignalTask()

    def work(stop):
        send(signal.SIGUSR1)
        assert came.wait(PATIENCE)
        send(signal.SIGTERM)
        stop.wait(PATIENCE)

    Service([signals, task("work", work)]).run()
    signal.signal(signal.SIGUSR1, before)

    assert theirs == ["SIGUSR1"]
    assert signals.received == [signal.SIGTERM]


def test_the_wakeup_descriptor_of_somebody_else_is_back_after_the_service():
    theirs, other_end = socket.socketpair()
    with theirs, other_end:
        theirs.setblocking(False)
        before = signal.set_wakeup_fd(theirs.fileno())
        Service([SignalTask(), task("work", lambda stop: None)]).run()

        assert signal.set_wakeup_fd(before) == theirs.fileno()


def test_a_second_signal_that_nobody_wants_to_know_of_changes_nothing():
    signals = SignalTask()

    def pump(stop):
        send(signal.SIGTERM)
        assert stop.wait(PATIENCE)
        send(signal.SIGTERM)

    Service([signals, task("pump", pump)]).run()

    assert signals.received == [signal.SIGTERM, signal.SIGTERM]
