"""The workers of a storm: processes of `manage.py runjobs`, replaced when they are killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec

from .history import Event, History
from .jobs import HISTORY

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 30


class Ended(msgspec.Struct, frozen=True):
    """A worker that went by itself, which none may do."""

    status: int
    printed: str


def start_worker(environment: Mapping[str, str], *, printed: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start one worker. What follows supervises nothing: one process is one worker."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "runjobs"],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=printed,
        stderr=subprocess.STDOUT,
    )


class Fleet:
    """As many workers as there are URLs, each of which leads to the one database."""

    def __init__(self, urls: Sequence[str], *, folder: Path, history: History) -> None:
        self._urls, self._folder, self._history = urls, folder, history
        self._workers: list[subprocess.Popen[bytes]] = []
        self.ended: list[Ended] = []

    def __len__(self) -> int:
        return len(self._urls)

    def start(self) -> None:
        self._workers = [self._start(url) for url in self._urls]

    def kill(self, index: int) -> None:
        """As `kill -9`, and start another in its place."""
        self._workers[index].kill()
        self._workers[index].wait()
        self._replace(index)

    def pause(self, index: int) -> int:
        """Stop the process where it stands; return its id for `resume`."""
        process = self._workers[index]
        process.send_signal(signal.SIGSTOP)
        return process.pid

    def resume(self, pid: int) -> None:
        """Let a paused process go on, unless it was killed meanwhile."""
        for process in self._workers:
            if process.pid == pid:
                process.send_signal(signal.SIGCONT)

    def look(self) -> None:
        """Note who ended without having been asked to, and start another."""
        for index, process in enumerate(self._workers):
            if process.poll() is not None:
                self.ended.append(Ended(process.returncode, self._tail()))
                self._replace(index)

    def stop(self) -> list[int]:
        """Ask all to end; return their exit statuses, negative for a signal."""
        for process in self._workers:
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
        statuses = []
        for process in self._workers:
            try:
                statuses.append(process.wait(STOP_SECONDS))
            except subprocess.TimeoutExpired:
                process.kill()
                statuses.append(process.wait())
            self._history.note(Event(event="gone", pid=process.pid))
        self._workers = []
        return statuses

    @property
    def printed(self) -> str:
        """What all of them have printed, in no order."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    @property
    def _output(self) -> Path:
        return self._folder / "workers.log"

    def _tail(self) -> str:
        return self.printed[-4000:]

    def _replace(self, index: int) -> None:
        self._history.note(Event(event="gone", pid=self._workers[index].pid))
        self._workers[index] = self._start(self._urls[index])

    def _start(self, url: str) -> subprocess.Popen[bytes]:
        environment = {
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "DATABASE_URL": url,
            HISTORY: str(self._folder / "history"),
            "PYTHONUNBUFFERED": "1",
        }
        with self._output.open("ab") as printed:
            return start_worker(environment, printed=printed)
