"""The workers of a storm: processes of `manage.py runjobs`, replaced when they are killed."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec

from django_jobqueue.core.clock import monotonic
from tests.failpoints.points import FOLDER

from .history import Event, History
from .jobs import HISTORY
from .trees import catches, children_of, is_running, send

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 30
#: A child whose supervisor was killed notices, and has its handlers' grace to end.
ORPHAN_SECONDS = 20.0


class Ended(msgspec.Struct, frozen=True):
    """A worker that went by itself, which none may do."""

    pid: int
    status: int
    printed: str


def start_worker(
    environment: Mapping[str, str], *, processes: int, printed: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start one worker: a supervisor and its children, or with 0 `processes` all in one."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "runjobs", "--processes", str(processes)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=printed,
        stderr=subprocess.STDOUT,
    )


class Fleet:
    """As many workers as there are `environments`, each with a DATABASE_URL that leads to the one
    database; `processes` are their children.

    Every process of theirs that ends, children too, is noted as gone.
    """

    def __init__(
        self,
        environments: Sequence[Mapping[str, str]],
        *,
        processes: Sequence[int],
        folder: Path,
        history: History,
    ) -> None:
        self._wanted = list(zip(environments, processes, strict=True))
        self._folder, self._history = folder, history
        self._workers: list[subprocess.Popen[bytes]] = []
        self._known: set[int] = set()  #: every process that was seen and has not been seen to end
        self.pids: set[int] = set()  #: every process that has ended
        self.ended: list[Ended] = []

    def __len__(self) -> int:
        return len(self._wanted)

    def start(self) -> None:
        self._workers = [self._start(*wanted) for wanted in self._wanted]

    def children(self, index: int) -> list[int]:
        return sorted(children_of({self._workers[index].pid}))

    def tree(self, index: int) -> list[int]:
        return [self._workers[index].pid, *self.children(index)]

    def kill(self, index: int) -> None:
        """As `kill -9` of one process, and start another worker in its place; children that it had
        must notice.
        """
        self._known |= children_of({self._workers[index].pid})
        self._workers[index].kill()
        self._workers[index].wait()
        self._replace(index)

    def kill_child(self, pid: int) -> None:
        """As `kill -9` of a child; its supervisor must notice."""
        send(signal.SIGKILL, pid)
        self._gone(pid)

    def kill_tree(self, index: int) -> None:
        """Kill all of one worker, the children first, so that none can give anything back."""
        send(signal.SIGSTOP, self._workers[index].pid)
        for child in self.children(index):
            self.kill_child(child)
        self.kill(index)

    def pause(self, index: int) -> list[int]:
        """Stop one process where it stands; return what `resume` takes."""
        pid = self._workers[index].pid
        send(signal.SIGSTOP, pid)
        return [pid]

    def pause_tree(self, index: int) -> list[int]:
        """Stop one worker with its children."""
        supervisor = self.pause(index)
        children = self.children(index)
        send(signal.SIGSTOP, *children)
        # Children first: what they report late, their supervisor has not learnt to hold back yet.
        return [*children, *supervisor]

    def resume(self, pids: Sequence[int]) -> None:
        """Let what was paused go on, as far as it lives."""
        send(signal.SIGCONT, *(pid for pid in pids if pid in self._known))

    def look(self) -> None:
        """Note what has ended; start another worker for each that went without being asked to."""
        for index, process in enumerate(self._workers):
            if process.poll() is not None:
                last = self.printed[-4000:]
                self.ended.append(Ended(process.pid, process.returncode, last))
                self._replace(index)
        self._known |= children_of({process.pid for process in self._workers})
        self._note_ends()

    def stop(self) -> list[int]:
        """Ask all to end; return their exit statuses, negative for a signal."""
        send(signal.SIGCONT, *self._known, *(process.pid for process in self._workers))
        for process in self._workers:
            _until_it_listens(process)
            process.send_signal(signal.SIGTERM)
        statuses = [self._status_of(process) for process in self._workers]
        self._workers = []
        return statuses

    def orphans(self) -> int:
        """Return how many processes outlived their worker by long, after killing them."""
        pause = threading.Event()
        until = monotonic() + ORPHAN_SECONDS
        while self._known and monotonic() < until:
            self._note_ends()
            pause.wait(0.05)
        left = len(self._known)
        send(signal.SIGKILL, *self._known)
        return left

    @property
    def printed(self) -> str:
        """What all of them have printed, in no order."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    @property
    def _output(self) -> Path:
        return self._folder / "workers.log"

    def _note_ends(self) -> None:
        for pid in [pid for pid in self._known if not is_running(pid)]:
            self._gone(pid)

    def _gone(self, pid: int) -> None:
        self._known.discard(pid)
        self.pids.add(pid)
        self._history.note(Event(event="gone", pid=pid))

    def _status_of(self, process: subprocess.Popen[bytes]) -> int:
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _replace(self, index: int) -> None:
        self._gone(self._workers[index].pid)
        self._workers[index] = self._start(*self._wanted[index])

    def _start(self, environment: Mapping[str, str], processes: int) -> subprocess.Popen[bytes]:
        environment = {
            **environment,
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            HISTORY: str(self._folder / "history"),
            FOLDER: str(self._folder / "failpoints"),
            "PYTHONUNBUFFERED": "1",
        }
        with self._output.open("ab") as printed:
            started = start_worker(environment, processes=processes, printed=printed)
        self._known.add(started.pid)
        return started


def _until_it_listens(process: subprocess.Popen[bytes]) -> None:
    """One that was started just now and still imports would be ended by the signal itself."""
    pause, until = threading.Event(), monotonic() + STOP_SECONDS
    while process.poll() is None and not catches(process.pid, signal.SIGTERM):
        if monotonic() > until:
            return
        pause.wait(0.05)
