"""Starting a process of our own, and beginning to be one. Never a fork: nothing is inherited but
what is handed over.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence

from django.conf import ENVIRONMENT_VARIABLE

#: `-P`: what is imported depends on PYTHONPATH alone, not on the folder it was started in.
_OPTIONS = ("-P", "-m")
#: How long threads that handlers left behind may keep a process from its end.
LEAVE_SECONDS = 5.0
#: https://man7.org/linux/man-pages/man2/pr_set_pdeathsig.2const.html
_PR_SET_PDEATHSIG = 1


def names_settings() -> bool:
    """Whether another process can load the settings of this one."""
    return ENVIRONMENT_VARIABLE in os.environ


def spawn(module: str, *, channel: int, shared: Sequence[int] = ()) -> "subprocess.Popen[bytes]":
    """Start `python -m module CHANNEL`, with the files of these numbers and no others."""
    warnings = [f"-W{option}" for option in sys.warnoptions]
    return subprocess.Popen(  # noqa: S603 - our own module, under our own interpreter
        [sys.executable, *warnings, *_OPTIONS, module, str(channel)],
        pass_fds=(channel, *shared),
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        process_group=0,  # Ctrl-C is for the process that started it
    )


# In the process that was started.


def leave_signals_to_the_parent() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def inherited(fileno: int) -> socket.socket:
    """Return the socket of that number; programs that handlers start must not keep the line open
    after our end.
    """
    os.set_inheritable(fileno, False)
    return socket.socket(fileno=fileno)


def restore(python_path: str | None) -> None:
    """What was set to find our module would mislead other Pythons that handlers start."""
    if python_path is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = python_path


def die_with_the_parent(number: int = signal.SIGKILL) -> None:
    """Have the system send this process the signal when the thread that started it is gone, where
    it can: a handler may hold the interpreter, and nobody here hears that the line has ended.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


def die_after_the_parent(number: int | None = None) -> None:
    """As `die_with_the_parent`, but as many seconds later as the signal's number says, by default
    SIGRTMIN: 34, or 35. Who hears that the line has ended gives back what it holds, and is gone
    before.
    """
    if sys.platform == "linux":
        number = signal.SIGRTMIN if number is None else number
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        libc = ctypes.CDLL(None)
        libc.signal.argtypes, libc.signal.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
        # No handler of Python's would run: C calls alarm() itself, with the number for its seconds.
        libc.signal(number, ctypes.cast(libc.alarm, ctypes.c_void_p))
        die_with_the_parent(number)
