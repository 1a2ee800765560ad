"""The handlers that are measured."""

import asyncio
import atexit
import ctypes
import json
import mmap
import os
import socket
import struct
import threading
from pathlib import Path
from threading import Event

from django_jobqueue import job
from django_jobqueue.core.clock import monotonic

from .models import Account
from .subjects.calls import called

#: Names the folder in which each process leaves the arguments that its handlers were called with.
CALLS_FOLDER = "JOBQUEUE_BENCHMARK_CALLS"
#: Names the file in which every call is counted: a byte for each number.
COUNTS_FILE = "JOBQUEUE_BENCHMARK_COUNTS"
#: Names the datagram socket that is told when a handler begins, or ends.
STARTS_SOCKET = "JOBQUEUE_BENCHMARK_STARTS"
#: A moment on the wire: the job's number, and when its handler began, or ended.
START = struct.Struct("!qd")


_calls: list[int] = []
_counts: bytearray | mmap.mmap = bytearray()


@job
def noop(number: int) -> None:
    """Do nothing but remember the call: the archive alone cannot tell of a second one."""
    _calls.append(number)


@job
async def async_noop(number: int) -> None:
    """Do the same on the event loop."""
    _calls.append(number)


@job
def counted(number: int) -> None:
    """Do nothing but count the call, in memory that does not grow."""
    _counts[number] += 1


@job
def noted(number: int) -> None:
    """Do nothing but note the call, as the handlers of the other systems do."""
    called(number)


@job
def deposit(number: int) -> None:
    """Read one row and save it, as most jobs of a site do."""
    _calls.append(number)
    account = Account.objects.get(id=1 + number)
    account.balance += 1
    account.save()


@job
def nap(number: int, seconds: float) -> None:
    """Wait as one does for a network, and remember the call."""
    _calls.append(number)
    Event().wait(seconds)


@job
async def async_nap(number: int, seconds: float) -> None:
    """Do the same on the event loop."""
    _calls.append(number)
    await asyncio.sleep(seconds)


@job
def tell_start(number: int) -> None:
    """Tell when this began."""
    _tell(number, monotonic())


@job
def tell_end(number: int, seconds: float) -> None:
    """Take some time, and tell when this ended."""
    Event().wait(seconds)
    _tell(number, monotonic())


def _tell(number: int, moment: float) -> None:
    """The clock is the same for every process of a machine."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(START.pack(number, moment), os.environ[STARTS_SOCKET])


@job
def rest(seconds: float) -> None:
    """Wait as one does for a network."""
    threading.Event().wait(seconds)


@job
def kill_yourself() -> None:
    """End the process as a fault in an extension does."""
    ctypes.string_at(0)


def _mapped(file: str) -> mmap.mmap:
    """Return the file as memory, all of which is there already."""
    with open(file, "r+b") as opened:
        mapped = mmap.mmap(opened.fileno(), 0)
    mapped[:] = bytes(len(mapped))
    return mapped


def _leave_calls(folder: Path) -> None:
    (folder / f"{os.getpid()}.json").write_text(json.dumps(_calls))


if CALLS_FOLDER in os.environ:
    # At the end of the process: writing while it is measured would be measured too.
    atexit.register(_leave_calls, Path(os.environ[CALLS_FOLDER]))
if COUNTS_FILE in os.environ:
    _counts = _mapped(os.environ[COUNTS_FILE])
