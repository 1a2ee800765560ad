"""A child process as its supervisor sees it: started, spoken to, and known in its death."""

import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import timedelta

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.figures import Changes
from django_jobqueue.store import Claims

from .lease import Lease
from .marks import StartedMarks
from .membership import Membership
from .messages import (
    Beat,
    Begin,
    CancelRequested,
    Channel,
    Counted,
    DeclaredDead,
    Here,
    Holding,
    Loaded,
    Message,
    Polling,
    Rescheduled,
    Retiring,
)
from .spawning import spawn


class ChildProcess:
    """One process that claims and runs jobs.

    Its claims are made under `membership`, which its supervisor keeps alive. `changed` is called,
    in a thread of the child's own, when it said something that the supervisor must look at, and
    when it is gone. Of one that cannot be started nothing is left, its `marks` included.
    """

    retires_because: str | None = None
    heard = 0  #: how often it has said something
    _killed_because: str | None = None

    def __init__(
        self,
        name: str,
        begin: Begin,
        *,
        marks: StartedMarks,
        membership: Membership,
        lease_for: Callable[["ChildProcess"], Lease],
        is_polling: Callable[[], object],
        changed: Callable[[], object],
        rescheduled: Callable[[], object],
        counted: Callable[[Changes], object],
    ) -> None:
        self.name, self.marks, self.membership = name, marks, membership
        self.is_loaded = self.is_polling = False  #: it may have claimed something; it has looked
        self._tell_polling, self._changed = is_polling, changed
        self._rescheduled, self._counted = rescheduled, counted
        self._started_at = monotonic()
        self._holding = Holding(at=self._started_at, claims={})
        with ExitStack() as undo:
            undo.callback(marks.close)
            self._channel = self._start(undo)
            self._channel.send(begin)
            self.lease = lease_for(self)
            self._listener = threading.Thread(
                target=self._listen, name=f"jobqueue-child-{name}", daemon=True
            )
            self._listener.start()
            undo.pop_all()

    def _start(self, undo: ExitStack) -> Channel:
        ours, theirs = socket.socketpair()
        undo.callback(ours.close)
        with theirs:
            self._popen = spawn(
                "django_jobqueue.worker.child",
                channel=theirs.fileno(),
                shared=[self.marks.fileno],
            )
        undo.callback(self.wait)
        undo.callback(self._popen.kill)
        return Channel(ours, hears="child")

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def age_seconds(self) -> float:
        return monotonic() - self._started_at

    @property
    def is_retiring(self) -> bool:
        """Whether it claims nothing any more and ends by itself."""
        return self.retires_because is not None

    @property
    def has_ended(self) -> bool:
        return self._popen.poll() is not None

    @property
    def ended_well(self) -> bool:
        return self._popen.poll() == 0

    @property
    def cause(self) -> str:
        """How it ended, in words: "killed by SIGSEGV", "exited with status 1"."""
        how = how_it_ended(self._popen.returncode)
        return how if self._killed_because is None else f"{how}: {self._killed_because}"

    def tell(self, message: Message) -> None:
        self._channel.send(message)

    # What its lease asks of it.

    @property
    def claims_age(self) -> timedelta:
        return timedelta(seconds=monotonic() - self._holding.at)

    def claims(self) -> Claims:
        """Return what it last said it has in hand; what it claimed since is not among it."""
        return [(job_id, token) for token, ids in self._holding.claims.items() for job_id in ids]

    @property
    def in_hand(self) -> int:
        """How many jobs it last said it has in hand."""
        return sum(map(len, self._holding.claims.values()))

    def request_cancel(self, job_ids: Iterable[int]) -> None:
        if ids := list(job_ids):
            self.tell(CancelRequested(ids))

    def lose_leases(self) -> int:
        """Tell it that its claims are gone; return how many it had."""
        self.tell(DeclaredDead())
        return len(self.claims())

    def tell_renewed(self) -> None:
        """Tell it until when it may go on."""
        if (at := self.membership.renewed_at) is not None:
            self.tell(Beat(self.membership.worker_id, at))

    # Its end.

    def kill(self, *, because: str | None = None) -> None:
        """As the system's `kill -9`; nothing happens to a process that has ended."""
        self._killed_because = because
        self._popen.kill()

    def wait(self, timeout: float | None = None) -> bool:
        """Return whether it has ended within `timeout` seconds."""
        try:
            self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def close(self) -> None:
        """Let go of what was shared with it; after its end."""
        self._channel.close()
        self._listener.join()
        self.marks.close()

    def _listen(self) -> None:
        for message in self._channel.messages():
            self.heard += 1
            match message:
                case Loaded():
                    self.is_loaded = True
                    continue
                case Polling():
                    self.is_polling = True
                    self._tell_polling()
                    continue
                case Holding():
                    self._holding = message
                    continue
                case Rescheduled():
                    self._rescheduled()
                    continue
                case Here():
                    continue
                case Counted(changes=changes):
                    self._counted(changes)
                    continue
                case Retiring(why=why):
                    self.retires_because = why
            self._changed()
        # The line ends with the process, a moment before the system lets us know its status.
        self.wait()
        self._changed()


def how_it_ended(status: int | None) -> str:
    """Return an exit status in words, with the name of the signal where it was one."""
    if status is None:
        return "still running"
    if status >= 0:
        return f"exited with status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal
        return f"killed by signal {-status}"
