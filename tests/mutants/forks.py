"""A piece of work in a fork, with its verdict as the exit status."""

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from asgiref.sync import SyncToAsync

#: By a failing test, by none, by the end of the process, by a test that did not end.
KILLED, SURVIVED, DIED, TIMED_OUT = "killed", "survived", "died", "timed out"


def verdict_of_fork(attempt: Callable[[], list[int]], *, seconds: float) -> tuple[str, list[int]]:
    """Run `attempt` in a fork; the numbers that it answers are those of the tests that failed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be_the_fork(attempt, writing)
    os.close(writing)
    with os.fdopen(reading) as answers:
        status = _status_within(pid, seconds)
        _end_group(pid)
        failed = [int(number) for number in answers.read().split()] if status == 0 else []
    if status in (None, -signal.SIGALRM, -signal.SIGPROF):
        return TIMED_OUT, []
    if status != 0:
        return DIED, []
    return (KILLED if failed else SURVIVED), failed


def _be_the_fork(attempt: Callable[[], list[int]], writing: int) -> None:
    status = 1
    try:
        os.setsid()
        quiet = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(quiet, descriptor)
        # The thread of the one that was there has not come along, and would be waited for.
        SyncToAsync.single_thread_executor = ThreadPoolExecutor(max_workers=1)
        os.write(writing, " ".join(map(str, attempt())).encode())
        status = 0
    finally:
        os._exit(status)


def _status_within(pid: int, seconds: float) -> int | None:
    give_up, pause, moment = time.monotonic() + seconds, 0.001, threading.Event()
    while time.monotonic() < give_up:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        moment.wait(pause)
        pause = min(0.02, pause * 1.5)
    os.kill(pid, signal.SIGKILL)  # it may not lead a group of its own yet
    os.waitpid(pid, 0)
    return None


def _end_group(pid: int) -> None:
    """What the tests of the fork have started ends with it."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
