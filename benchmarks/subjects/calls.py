"""Calls of handlers, in memory that every process of a subject shares: no lock, no statement.

Each number has a slot: how often it was called, by which process, and when.
"""

import mmap
import os
import struct
import time
from typing import NamedTuple

#: Names the file of the slots.
CALLS_FILE = "JOBQUEUE_BENCHMARK_SLOTS"
_SLOT = struct.Struct("=IId")


class Call(NamedTuple):
    """How often a number was called; the last caller, and its moment by the monotonic clock."""

    times: int
    process: int
    moment: float


class Calls:
    """The slots of a file."""

    def __init__(self, file: str) -> None:
        with open(file, "r+b") as opened:
            self._slots = mmap.mmap(opened.fileno(), 0)

    def add(self, number: int) -> None:
        times, _, _ = _SLOT.unpack_from(self._slots, number * _SLOT.size)
        slot = (times + 1, os.getpid(), time.monotonic())
        _SLOT.pack_into(self._slots, number * _SLOT.size, *slot)

    def all(self) -> list[Call]:
        """Return the slots in the order of their numbers."""
        return [Call(*slot) for slot in _SLOT.iter_unpack(self._slots[:])]

    def close(self) -> None:
        self._slots.close()


def make_room(file: str, *, numbers: int) -> None:
    """Let the file have a slot for each number from 0."""
    os.truncate(file, numbers * _SLOT.size)


_of_this_process: Calls | None = None


def called(number: int) -> None:
    """Note that the handler of this number is running, in this process."""
    global _of_this_process
    if _of_this_process is None:
        _of_this_process = Calls(os.environ[CALLS_FILE])
    _of_this_process.add(number)
