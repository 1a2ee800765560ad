"""Threads of a service: named, daemon, and what is raised in one is not lost."""

import threading
from collections.abc import Callable


def service_thread(name: str, target: Callable[[], object]) -> threading.Thread:
    """Return a thread that has not started; it never keeps the process from ending."""
    return threading.Thread(target=target, name=f"jobqueue-{name}", daemon=True)


def caught(call: Callable[[], object]) -> BaseException | None:
    """Make the call and return what it raised, SystemExit and KeyboardInterrupt included.

    A thread would swallow the first of the two silently, and the second is for main threads.
    """
    try:
        call()
    except BaseException as error:
        return error
    return None


def first_caught(*calls: Callable[[], object]) -> BaseException | None:
    """Make every call, whatever the ones before it raised; return the first exception."""
    errors = [caught(call) for call in calls]
    return next((error for error in errors if error is not None), None)
