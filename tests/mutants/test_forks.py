import asyncio
import os
import signal
import threading

import pytest
from asgiref.sync import sync_to_async

from .forks import DIED, KILLED, SURVIVED, TIMED_OUT, verdict_of_fork


def hang() -> list[int]:
    threading.Event().wait()
    return []


def end() -> list[int]:
    os._exit(3)


def overdue() -> list[int]:
    os.kill(os.getpid(), signal.SIGALRM)
    return hang()


@pytest.mark.parametrize(
    ("attempt", "verdict"),
    [
        (list, (SURVIVED, [])),
        (lambda: [7, 9], (KILLED, [7, 9])),
        (end, (DIED, [])),
        (overdue, (TIMED_OUT, [])),
    ],
)
def test_a_fork_tells_which_tests_failed_or_how_it_ended(attempt, verdict) -> None:
    assert verdict_of_fork(attempt, seconds=60) == verdict


def test_a_fork_that_does_not_end_is_ended() -> None:
    assert verdict_of_fork(hang, seconds=0.05) == (TIMED_OUT, [])


def test_async_code_finds_a_thread_in_a_fork_whatever_ran_before() -> None:
    def answer() -> int:
        return asyncio.run(sync_to_async(lambda: 7)())

    assert answer() == 7
    assert verdict_of_fork(lambda: [answer()], seconds=20) == (KILLED, [7])
