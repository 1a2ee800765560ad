"""What runs when the tasks have ended: shutdown hooks, and the last act of every thread."""

import threading
import time

import pytest

from django_jobqueue.service import (
    Service,
    ServiceTaskKind,
    ShutdownHookFailed,
    ShutdownHookTimedOut,
    TaskError,
    TaskPanicked,
    TaskShutdownTimedOut,
)

from .running import GLANCE, PATIENCE, failure_of, hung, raising, raising_hook, task

UNCONSTRAINED = ServiceTaskKind.UNCONSTRAINED_TASK


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
            begun = time.monotonic()
            [only] = failure_of(service).errors
            took = time.monotonic() - begun

        assert GLANCE <= took < PATIENCE / 4
        assert ran == ["close"]
        assert isinstance(only, ShutdownHookTimedOut)
        assert str(only) == "Shutdown hook stuck did not finish within 0.05 s"
        assert (only.name, only.timeout) == ("stuck", GLANCE)


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
