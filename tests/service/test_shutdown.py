"""First exit, stop to all, the rest awaited, hooks, and every error in order."""

import threading
import time
from contextlib import contextmanager

import pytest

from django_jobqueue.service import (
    Service,
    ServiceTaskKind,
    TaskError,
    TaskFailed,
    TaskPanicked,
    TaskShutdownTimedOut,
)

from .running import (
    GLANCE,
    PATIENCE,
    failure_of,
    hung,
    raising,
    raising_after_stop,
    raising_hook,
    running,
    task,
)

UNCONSTRAINED = ServiceTaskKind.UNCONSTRAINED_TASK


def test_a_service_that_is_asked_to_stop_ends_well():
    started = threading.Event()

    def work(stop):
        started.set()
        stop.wait()

    with running(Service([task("work", work)])) as it:
        assert started.wait(PATIENCE)
        it.sender.send()

        assert it.end() is None


def test_a_service_runs_in_any_thread_and_names_its_own_after_the_tasks():
    names = []
    service = Service([task("pump", lambda stop: names.append(threading.current_thread()))])
    with running(service) as it:
        assert it.end() is None

    assert [(thread.name, thread.daemon) for thread in names] == [("jobqueue-pump", True)]


def test_what_is_around_a_run_is_entered_in_its_thread_with_its_stop_and_left_after_it():
    told = []

    @contextmanager
    def around(stop):
        told.append(("entered", threading.current_thread().name, stop.is_set()))
        yield
        told.append(("left", threading.current_thread().name, stop.is_set()))

    started = threading.Event()

    def work(stop):
        started.set()
        stop.wait()

    with running(Service([task("pump", work)], around_run=around)) as it:
        assert started.wait(PATIENCE)
        it.sender.send()
        assert it.end() is None

    assert told == [("entered", "jobqueue-pump", False), ("left", "jobqueue-pump", True)]


def test_a_deliberate_error_is_a_failure_and_keeps_its_cause():
    error = TaskError("the lease was lost")
    failed = failure_of(Service([task("heartbeat", raising(error))]))

    [only] = failed.errors
    assert isinstance(only, TaskFailed)
    assert str(only) == "Task heartbeat failed: the lease was lost"
    assert only.task_id == "heartbeat"
    assert only.__cause__ is error
    assert failed.__cause__ is only


@pytest.mark.parametrize(
    "error", [ValueError("bad"), SystemExit(3), KeyboardInterrupt("now"), GeneratorExit("x")]
)
def test_an_unexpected_exception_is_a_panic_and_keeps_its_cause(error):
    [only] = failure_of(Service([task("pump", raising(error))])).errors

    assert isinstance(only, TaskPanicked)
    assert str(only) == f"Task pump panicked: {type(error).__name__}: {error}"
    assert only.__cause__ is error


def test_an_exception_that_cannot_be_printed_is_reported_all_the_same():
    class Unprintable(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    failed = failure_of(Service([task("pump", raising(Unprintable()))]))

    assert failed.first == "Task pump panicked: Unprintable (its message cannot be printed)"


def test_the_first_line_says_who_returned_first_where_another_made_the_service_fail():
    failed = failure_of(
        Service(
            [
                task("pump", raising_after_stop(ValueError("half done")), kind=UNCONSTRAINED),
                task("signals", lambda stop: None, kind=UNCONSTRAINED),
            ]
        )
    )

    assert str(failed).splitlines() == [
        "Service stopped: Task signals returned",
        "- Task pump panicked: ValueError: half done",
    ]


def test_the_first_line_says_that_the_service_was_asked_to_stop():
    started = threading.Event()

    def work(stop):
        started.set()
        stop.wait()
        raise TaskError("half done")

    with running(Service([task("pump", work)])) as it:
        assert started.wait(PATIENCE)
        it.sender.send()

        assert it.end().first == "it was asked to stop"


def test_the_first_line_says_that_the_oneshots_had_finished():
    service = Service(
        [task("work", lambda stop: None, kind=ServiceTaskKind.ONESHOT_TASK)],
    )
    service.add_shutdown_hook("close", lambda: 1 / 0)

    assert failure_of(service).first == "every oneshot task has finished"


def test_errors_come_in_order_first_exiter_others_hooks():
    service = Service(
        [
            task("b", raising_after_stop(TaskError("second")), kind=UNCONSTRAINED),
            task("c", raising_after_stop(TaskError("third")), kind=UNCONSTRAINED),
            task("a", raising(TaskError("first")), kind=UNCONSTRAINED),
        ]
    )
    service.add_shutdown_hook("z", raising_hook("fourth"))
    service.add_shutdown_hook("y", raising_hook("fifth"))

    assert str(failure_of(service)).splitlines() == [
        "Service stopped: Task a failed: first",
        "- Task b failed: second",
        "- Task c failed: third",
        "- Shutdown hook z failed: ValueError: fourth",
        "- Shutdown hook y failed: ValueError: fifth",
    ]


def test_a_task_may_go_on_for_a_while_after_stop():
    drained, beats_during_the_drain = threading.Event(), []

    def heartbeat(stop):
        stop.wait()
        assert drained.wait(PATIENCE)
        beats_during_the_drain.append("beat")

    def pump(stop):
        stop.wait()
        drained.set()

    Service(
        [
            task("heartbeat", heartbeat, kind=UNCONSTRAINED),
            task("pump", pump, kind=UNCONSTRAINED),
            task("signals", lambda stop: None, kind=UNCONSTRAINED),
        ]
    ).run()

    assert beats_during_the_drain == ["beat"]


def test_a_task_that_does_not_stop_is_left_behind_and_told():
    with hung() as hang:
        failed = failure_of(
            Service(
                [
                    task("stuck", hang, kind=UNCONSTRAINED),
                    task("signals", lambda stop: None, kind=UNCONSTRAINED),
                ],
                shutdown_timeout=GLANCE,
            )
        )

    [only] = failed.errors
    assert isinstance(only, TaskShutdownTimedOut)
    assert (only.task_id, only.timeout) == ("stuck", GLANCE)
    assert str(only) == "Task stuck did not stop within 0.05 s"


def test_tasks_that_do_not_stop_are_waited_for_at_the_same_time():
    timeout = 0.2
    with hung() as hang:
        stuck = [task(f"stuck-{n}", hang, kind=UNCONSTRAINED) for n in range(10)]
        service = Service(
            [*stuck, task("signals", lambda stop: None, kind=UNCONSTRAINED)],
            shutdown_timeout=timeout,
        )
        begun = time.monotonic()
        failed = failure_of(service)
        took = time.monotonic() - begun

    assert [error.task_id for error in failed.errors] == [each.id for each in stuck]
    assert timeout <= took < 5 * timeout


def test_a_system_without_threads_fails_the_service_and_leaves_none_behind(monkeypatch):
    start = threading.Thread.start

    def start_but_one(thread):
        if thread.name == "jobqueue-unlucky":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_but_one)
    failed = failure_of(Service([task("pump"), task("unlucky")]))

    assert failed.first == "Task unlucky panicked: RuntimeError: can't start new thread"


def test_both_timeouts_are_30_seconds_unless_said():
    service = Service()

    assert (service.shutdown_timeout, service.hook_timeout) == (30.0, 30.0)


@pytest.mark.parametrize("name", ["shutdown_timeout", "hook_timeout"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_a_timeout_that_cannot_be_waited_for_is_refused(name, value):
    with pytest.raises(ValueError, match=name):
        Service(**{name: value})


def test_an_interrupt_of_the_running_thread_shuts_the_service_down_and_goes_on(monkeypatch):
    ended, hooks = [], []

    def work(stop):
        ended.append(stop.wait(PATIENCE))
        raise TaskError("half done")

    service = Service([task("work", work, kind=UNCONSTRAINED), task("late")])
    service.add_shutdown_hook("close", lambda: hooks.append("close"))
    start = threading.Thread.start

    def interrupted(thread):
        if thread.name == "jobqueue-late":
            raise KeyboardInterrupt
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        service.run()

    assert (ended, hooks) == ([True], ["close"])
    assert caught.value.__notes__ == [
        "Service stopped: interrupted by KeyboardInterrupt\n- Task work failed: half done"
    ]
