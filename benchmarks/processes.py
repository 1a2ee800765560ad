"""What processes use, as Linux tells it: processor time and memory."""

import os
from collections.abc import Iterable
from pathlib import Path

from .errors import BenchmarkFailed

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
#: Of what follows the name of the program in /proc/PID/stat.
_PARENT, _USER_TICKS, _SYSTEM_TICKS = 1, 11, 12
#: Of children that have ended and were waited for.
_USER_TICKS_OF_ENDED, _SYSTEM_TICKS_OF_ENDED = 13, 14


def family(pid: int) -> list[int]:
    """Return the process, its children, theirs, and so on."""
    parents = {one: stat[_PARENT] for one in _all() if (stat := _stat(one))}
    found = [pid]
    for parent in found:
        found += [one for one, its_parent in parents.items() if int(its_parent) == parent]
    return found


def processor_seconds(pids: Iterable[int]) -> float:
    """Return what these have used of the processors since they began; 0 for those that ended."""
    ticks = (int(stat[_USER_TICKS]) + int(stat[_SYSTEM_TICKS]) for stat in map(_stat, pids) if stat)
    return sum(ticks) / _TICKS_PER_SECOND


def processor_seconds_of_family(pid: int) -> float:
    """Return what this process and its children have used, those that ended included."""
    stat = _stat(pid)
    ended = int(stat[_USER_TICKS_OF_ENDED]) + int(stat[_SYSTEM_TICKS_OF_ENDED])
    return processor_seconds(family(pid)) + ended / _TICKS_PER_SECOND


def resident_bytes(pid: int) -> int:
    """Return how much memory the process holds, what it shares with others included."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return 1024 * int(line.split()[1])
    raise BenchmarkFailed(f"process {pid} has ended")


def _all() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _stat(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []  # it has ended
    return text.rpartition(")")[2].split()
