"""What tests of waiting share: somebody who waits, and a finish that can be held up."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connections

#: Only a failing test waits that long.
PATIENCE = 10.0


def lookout_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "jobqueue-lookout"]


def until(fact: Callable[[], object]) -> None:
    """Return as soon as the fact is true; other threads make it so."""
    give_up = threading.Event()
    for _ in range(2_000):
        if fact():
            return
        give_up.wait(0.005)
    raise AssertionError("this did not come true")


@contextmanager
def beside(*calls: Callable[[], Any]) -> Iterator[list["Future[Any]"]]:
    """Make the calls in threads of their own, each on its own connection."""

    def on_its_own(call: Callable[[], Any]) -> Any:
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        yield [pool.submit(on_its_own, call) for call in calls]
