"""A process and its children, as Linux tells of them."""

import os
import signal
from contextlib import suppress
from pathlib import Path

_ENDED = "ZX"


def _state_and_parent(pid: int) -> tuple[str, int] | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in brackets, may hold spaces and brackets.
    state, parent, *_ = stat.rpartition(")")[2].split()
    return state, int(parent)


def is_running(pid: int) -> bool:
    """Whether the process is there and has not ended; one that is stopped is there."""
    told = _state_and_parent(pid)
    return told is not None and told[0] not in _ENDED


def children_of(pids: set[int]) -> set[int]:
    """Return the processes whose parent is one of these."""
    everyone = {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    told = {pid: _state_and_parent(pid) for pid in everyone}
    return {pid for pid, one in told.items() if one and one[1] in pids and one[0] not in _ENDED}


def send(number: signal.Signals, *pids: int) -> None:
    """Send the signal to those that are still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether the process has a handler of its own for that signal."""
    try:
        told = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    [caught] = [line.split()[1] for line in told.splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught, 16) >> (number - 1) & 1)
