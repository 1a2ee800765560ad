"""First exit, stop to all, the rest awaited, hooks, and every error in order."""

import threading
import time

import pytest

from django_jobqueue.service import (
    Service,
    ServiceFailed,
    ServiceTaskKind,
    ShutdownHookFailed,
    ShutdownHookTimedOut,
    TaskError,
    TaskFailed,
    TaskPanicked,
    TaskShutdownTimedOut,
)

from .running import GLANCE, PATIENCE, hung, raising, raising_after_stop, running, task

UNCONSTRAINED = ServiceTaskKind.UNCONSTRAINED_TASK


def failure_of(service):
    with pytest.raises(ServiceFailed) as caught:
        service.run()
    return caught.value


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


def raising_hook(text):
    def hook():
        raise ValueError(text)

    return hook


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


class TestShutdownHooks:
    def test_run_in_order_after_every_task_has_ended(self):
        order = []

        def work(stop):
            stop.wait()
            order.append("task")

        service = Service(
            [
                task("work", work, kind=UNCONSTRAINED),
                task("end", lambda stop: None, kind=UNCONSTRAINED),
            ]
        )
        service.add_shutdown_hook("b", lambda: order.append("first hook"))
        service.add_shutdown_hook("a", lambda: order.append("second hook"))
        service.run()

        assert order == ["task", "first hook", "second hook"]

    def test_run_although_a_task_failed_another_hangs_and_a_hook_before_raised(self):
        ran = []
        with hung() as hang:
            service = Service(
                [
                    task("stuck", hang, kind=UNCONSTRAINED),
                    task("bad", raising(ValueError("bad")), kind=UNCONSTRAINED),
                ],
                shutdown_timeout=GLANCE,
            )
            service.add_shutdown_hook("broken", raising_hook("broken"))
            service.add_shutdown_hook("close", lambda: ran.append("close"))
            failed = failure_of(service)

        assert ran == ["close"]
        assert [type(error) for error in failed.errors] == [
            TaskPanicked,
            TaskShutdownTimedOut,
            ShutdownHookFailed,
        ]

    @pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), TaskError("x")])
    def test_a_failure_is_told_with_its_cause(self, error):
        def hook():
            raise error

        service = Service([task("end", lambda stop: None)])
        service.add_shutdown_hook("flush", hook)
        [only] = failure_of(service).errors

        assert isinstance(only, ShutdownHookFailed)
        assert only.name == "flush"
        assert only.__cause__ is error

    def test_one_that_hangs_is_left_behind_and_the_next_runs(self):
        ran = []
        with hung() as hang:
            service = Service([task("end", lambda stop: None)], hook_timeout=GLANCE)
            service.add_shutdown_hook("stuck", hang)
            service.add_shutdown_hook("close", lambda: ran.append("close"))
            [only] = failure_of(service).errors

        assert ran == ["close"]
        assert isinstance(only, ShutdownHookTimedOut)
        assert str(only) == "Shutdown hook stuck did not finish within 0.05 s"
        assert (only.name, only.timeout) == ("stuck", GLANCE)


def test_both_timeouts_are_30_seconds_unless_said():
    service = Service()

    assert (service.shutdown_timeout, service.hook_timeout) == (30.0, 30.0)


@pytest.mark.parametrize("name", ["shutdown_timeout", "hook_timeout"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_a_timeout_that_cannot_be_waited_for_is_refused(name, value):
    with pytest.raises(ValueError, match=name):
        Service(**{name: value})


class TestAfterThread:
    def test_is_the_last_thing_in_each_thread_of_a_task_or_hook(self):
        calls = []

        def note(what):
            calls.append((threading.current_thread().name, what))

        service = Service(
            [task("work", lambda stop: note("task"))], after_thread=lambda: note("after")
        )
        service.add_shutdown_hook("close", lambda: note("hook"))
        service.run()

        assert calls == [
            ("jobqueue-work", "task"),
            ("jobqueue-work", "after"),
            ("jobqueue-hook-close", "hook"),
            ("jobqueue-hook-close", "after"),
        ]

    def test_comes_after_an_error_too_and_does_not_hide_it(self):
        def broken():
            raise RuntimeError("could not close")

        service = Service([task("work", raising(TaskError("gave up")))], after_thread=broken)

        assert failure_of(service).first == "Task work failed: gave up"

    def test_an_error_in_it_is_one_of_the_task(self):
        def broken():
            raise RuntimeError("could not close")

        service = Service([task("work", lambda stop: None)], after_thread=broken)

        assert failure_of(service).first == "Task work panicked: RuntimeError: could not close"


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
