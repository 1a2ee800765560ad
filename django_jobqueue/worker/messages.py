"""What a supervisor and its child processes say to each other, and a worker and its job processes:
one JSON line for each message.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec

from django_jobqueue.core.figures import Changes
from django_jobqueue.core.specs import ClaimedJob, Transition


class Message(msgspec.Struct, frozen=True, tag=True):
    """One line on the channel; its type is named in it."""


# From the supervisor.


class Begin(Message, frozen=True):
    """What the child is: the first message of all."""

    settings_module: str
    concurrency: int
    async_concurrency: int
    queues: list[str]
    strict: bool
    until_empty: bool
    suspects: bool
    max_jobs: int | None
    max_memory_bytes: int | None
    max_age_seconds: float | None
    marks_fileno: int
    marks_slots: int
    #: PYTHONPATH as the supervisor found it.
    python_path: str | None = None


class Beat(Message, frozen=True):
    """The lease under `worker_id` was renewed `at`, on the clock that goes on through suspends."""

    worker_id: UUID
    at: float


class DeclaredDead(Message, frozen=True):
    """The identity is gone, and with it every claim; the next beat comes under another one."""


class CancelRequested(Message, frozen=True):
    job_ids: list[int]


class Wake(Message, frozen=True):
    """There may be work, in this queue if one is named."""

    queue: str | None = None


class Stop(Message, frozen=True):
    """Claim nothing more, let run what runs, give back the rest, and end."""


class Retire(Message, frozen=True):
    """Claim nothing more, let run what runs however long it takes, and end."""

    why: str


class Hurry(Message, frozen=True):
    """Give back at once what still runs."""


class Ask(Message, frozen=True):
    """A job is past its time: say that you are here, which takes the interpreter."""


# From the child.


class Loaded(Message, frozen=True):
    """Everything is imported: from now on the child claims, and hears what it is told."""


class Polling(Message, frozen=True):
    """The first look for jobs was taken."""


class Holding(Message, frozen=True):
    """What the child had in hand `at`: the ids under each claim token."""

    at: float
    claims: dict[UUID, list[int]]


class Rescheduled(Message, frozen=True):
    """A job waits for a time that may come before the promoter would look."""


class Retiring(Message, frozen=True):
    """The child ends by itself once its jobs have; another may take its place now."""

    why: str


class Here(Message, frozen=True):
    """What the child was asked has reached it."""


class Counted(Message, frozen=True):
    """What the child has counted since it said so last."""

    changes: Changes


# From a worker to a job process, besides beats and requests to cancel.


class Setup(Message, frozen=True):
    """What a job process must know before its first job."""

    settings_module: str
    lease_seconds: float
    #: PYTHONPATH as the worker found it.
    python_path: str | None = None


class Run(Message, frozen=True):
    """Run this job now, by the handler of that name; its timeout is the worker's to watch."""

    handler: str
    job: ClaimedJob
    #: What is set for its queue, as JSON text: a job process does not know of limits.
    queue_backoff: str | None = None


# From a job process.


class Ready(Message, frozen=True):
    """The site is imported; a job may come."""


class Began(Message, frozen=True):
    """The job has come, and begins now."""


class Logged(Message, frozen=True):
    """A line that the handler has logged, told at once: the process may be killed."""

    line: str


class Ended(Message, frozen=True):
    """What is to be written for the job, and how much memory the process holds after it."""

    transition: Transition
    memory_bytes: int


FromSupervisor = Begin | Beat | DeclaredDead | CancelRequested | Wake | Retire | Stop | Hurry | Ask
FromChild = Loaded | Polling | Holding | Rescheduled | Retiring | Here | Counted
FromWorker = Setup | Beat | CancelRequested | Run
FromJobProcess = Ready | Began | Logged | Ended
_DECODERS = {
    "supervisor": msgspec.json.Decoder(FromSupervisor),
    "child": msgspec.json.Decoder(FromChild),
    "worker": msgspec.json.Decoder(FromWorker),
    "job process": msgspec.json.Decoder(FromJobProcess),
}
_ENCODER = msgspec.json.Encoder()


class Channel:
    """One end of the line between two processes; `hears` names who speaks to it.

    Speaking never waits: a process that was stopped, or holds its interpreter, must not keep the
    other from its work. What it has not taken yet is kept, up to `MOST_UNSENT` bytes and one
    message, and goes out before the next message, or with `flush`. The end of the other process
    ends the line, however it died.
    """

    MOST_UNSENT = 64 * 1024

    def __init__(self, end: socket.socket, *, hears: str) -> None:
        self._socket = end
        self._decoder = _DECODERS[hears]
        self._sending = threading.Lock()
        self._unsent = bytearray()

    def send(self, message: Message) -> bool:
        """Say it; False if the other side is gone or takes nothing any more. From any thread."""
        with self._sending:
            if len(self._unsent) >= self.MOST_UNSENT:
                self._flush()  # it may take again what it did not for long
            if len(self._unsent) >= self.MOST_UNSENT:
                return False
            self._unsent += _ENCODER.encode(message) + b"\n"
            return self._flush()

    @property
    def has_unsent(self) -> bool:
        return bool(self._unsent)

    def flush(self, *, waits: bool = False) -> None:
        """Send what was kept; with `waits`, return once the other side has taken all of it."""
        with self._sending:
            self._flush(0 if waits else socket.MSG_DONTWAIT)

    def _flush(self, flags: int = socket.MSG_DONTWAIT) -> bool:
        try:
            while self._unsent:
                sent = self._socket.send(self._unsent, flags)
                del self._unsent[:sent]
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True

    def messages(self) -> Iterator[Any]:
        """Yield what the other side says, until it is gone."""
        with self._socket.makefile("rb") as lines:
            try:
                for line in lines:
                    if not line.endswith(b"\n"):
                        return  # it died amid a word
                    yield self._decoder.decode(line)
            except OSError:
                return

    def close(self) -> None:
        """Hang up; who waits for messages here is let go."""
        with self._sending:  # who is sending must not meet the number of another file
            with suppress(OSError):  # the other side may have been first
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
