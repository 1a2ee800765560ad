"""Processes whose clock is wrong: Debian's package faketime, preloaded. Spans stay right."""

import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

_SHARED_MEMORY = Path("/dev/shm")


class FaketimeIsMissing(RuntimeError):
    """The message says how to install it."""


def library() -> Path | None:
    """Return what to preload, or None where it is not installed."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def clock_off_by(*, hours: int) -> dict[str, str]:
    """Return the environment of a process whose clock is so many hours ahead, or behind."""
    found = library()
    if found is None:
        raise FaketimeIsMissing("on Debian, 'apt-get install faketime'")
    return {
        "LD_PRELOAD": str(found),
        "FAKETIME": f"{hours:+d}h",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def mend_sleep() -> None:
    """Let this process sleep where it is one of those; first of all, in its settings.

    Python sleeps until a moment of the monotonic clock. The library takes that for one of the
    clock that it fakes, and the system refuses what it makes of it.
    """
    if "libfaketime" in os.environ.get("LD_PRELOAD", ""):
        time.sleep = _sleep  # type: ignore[assignment]  # noqa: TID251


def _sleep(seconds: float) -> None:
    threading.Event().wait(seconds)


def clean_up_after(pids: Iterable[int]) -> None:
    """Remove what it leaves in shared memory when a process is killed."""
    for pid in pids:
        for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
            (_SHARED_MEMORY / name).unlink(missing_ok=True)
