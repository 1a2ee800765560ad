"""What producers, handlers and the storm saw, in one file that only grows.

Every event is one line of JSON, written by one `write` to a file opened with O_APPEND, so that
lines of many processes do not mix and a killed process leaves whole lines only.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from django_jobqueue.core.clock import SystemClock, monotonic


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line; which facts it has depends on its `event`.

    enqueue.invoke, enqueue.ok, enqueue.unknown, enqueue.rolled_back: what a producer knows of the
    job with that `number`. start, effect, end: a run of `job`, `token` and `worker` as its handler
    saw them, `answer` what it was about to answer, `what` how it is doomed. gone: the process `pid`
    ended or was killed. fault: what the storm did.
    """

    event: str
    mono: float = 0.0  #: seconds that all processes of a host count alike, suspends included
    wall: str = ""
    pid: int = 0
    number: int = -1
    job: int = -1
    token: str = ""
    worker: str = ""
    attempt: int = 0
    answer: str = ""
    what: str = ""


class History:
    """The file of one storm, as one process writes to it; from any thread."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def note(self, event: Event) -> None:
        """Append the event with the time, and with this process unless it names another."""
        stamped = msgspec.structs.replace(
            event,
            mono=monotonic(),
            wall=SystemClock().now().isoformat(),
            pid=event.pid or os.getpid(),
        )
        os.write(self._file, msgspec.json.encode(stamped) + b"\n")

    def close(self) -> None:
        os.close(self._file)


def read(path: Path) -> list[Event]:
    """Return the events in the order in which they were written."""
    return list(_events(path.read_bytes()))


def _events(text: bytes) -> Iterator[Event]:
    decoder = msgspec.json.Decoder(Event)
    for line in text.splitlines():
        yield decoder.decode(line)
